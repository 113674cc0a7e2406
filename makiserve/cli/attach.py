"""`makiserve attach`: add a pipeline to a logged model."""

from __future__ import annotations

from pathlib import Path

import click

from makiserve.artifact import attach as attach_pipeline
from makiserve.cli.options import Command
from makiserve.scoring.entry_point import find_pipeline

HELP = """Add a feature pipeline to a logged model and log the result as a new model. The original is not changed.

\b
makiserve attach --model models:/house/3 --features features:features --reference house.csv \\
    --registered-model-name house --alias challenger
"""


@click.command(cls=Command, help=HELP)
@click.option("--model", required=True, metavar="URI", help="The model, of any flavor that mlflow.pyfunc can load.")
@click.option(
    "--features",
    required=True,
    metavar="PIPELINE",
    help="The pipeline: MODULE:FUNCTION, FILE.py:FUNCTION, or the URI of a registered pipeline.",
)
@click.option(
    "--reference",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Sample records (CSV or JSON lines) to package with their outputs. A registered pipeline already has some.",
)
@click.option(
    "--na-values",
    multiple=True,
    metavar="TEXT",
    help="The text of CSV cells in --reference to read as None for an optional field, in addition to empty cells; "
    "repeatable. The default is the list of pandas: NA, N/A, NaN, null, None and others.",
)
@click.option("--post", metavar="PIPELINE", help="A post-processing pipeline, over features and predictions.")
@click.option(
    "--input", "inputs", multiple=True, metavar="FEATURE", help="A feature that the model takes, in order; repeatable."
)
@click.option("--registered-model-name", metavar="NAME", help="The registered model that gets a new version.")
@click.option("--alias", metavar="NAME", help="The alias to set on the new version.")
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
    """Log the model with the pipeline, as a new model."""
    entry_point = None if ":/" in features else find_pipeline(features)
    info = attach_pipeline(
        model,
        features=entry_point.features if entry_point else features,
        record=entry_point.record if entry_point else None,
        reference=reference,
        na_values=na_values or None,
        post=find_pipeline(post).features if post else None,
        inputs=inputs or None,
        registered_model_name=registered_model_name,
        alias=alias,
    )
    version = info.registered_model_version
    print(f"models:/{registered_model_name}/{version}" if version else info.model_uri)
