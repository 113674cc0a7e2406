"""`makiserve attach`: a pipeline for a model that MLflow has."""

from __future__ import annotations

from pathlib import Path

import click

from makiserve.artifact import attach as attach_pipeline
from makiserve.scoring.entry_point import find_pipeline

HELP = """Add a feature pipeline to a model that MLflow has, as a new model; the old one stays as it is.

\b
makiserve attach --model models:/house/3 --features features:features --reference house.csv \\
    --registered-model-name house --alias challenger
"""


@click.command(help=HELP)
@click.option("--model", required=True, metavar="URI", help="Of any flavor that mlflow.pyfunc can load.")
@click.option(
    "--features",
    required=True,
    metavar="PIPELINE",
    help="MODULE:FUNCTION or FILE.py:FUNCTION, or the URI of a registered pipeline.",
)
@click.option(
    "--reference",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Records to package with their outputs: CSV or JSON lines. A registered pipeline has its own.",
)
@click.option(
    "--na-values",
    multiple=True,
    metavar="TEXT",
    help="The cells of a CSV reference that are None for an optional field, in addition to empty ones; repeatable. "
    "Without it those of pandas: NA, N/A, NaN, null, None and others.",
)
@click.option("--post", metavar="PIPELINE", help="A second pipeline, over features and predictions.")
@click.option("--input", "inputs", multiple=True, metavar="FEATURE", help="What the model takes, in order; repeatable.")
@click.option("--registered-model-name", metavar="NAME", help="The registered model to create a version of.")
@click.option("--alias", metavar="NAME", help="That the new version gets.")
def attach(
    model: str,
    features: str,
    reference: Path | None,
    na_values: tuple[str, ...],
    post: str | None,
    inputs: tuple[str, ...],
    registered_model_name: str | None,
    alias: str | None,
) -> None:
    """Log the model anew, with the pipeline."""
    found = None if ":/" in features else find_pipeline(features)
    info = attach_pipeline(
        model,
        features=found.features if found else features,
        record=found.record if found else None,
        reference=reference,
        na_values=na_values or None,
        post=find_pipeline(post).features if post else None,
        inputs=inputs or None,
        registered_model_name=registered_model_name,
        alias=alias,
    )
    version = info.registered_model_version
    print(f"models:/{registered_model_name}/{version}" if version else info.model_uri)
