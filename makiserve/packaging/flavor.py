"""The `makiserve` flavor: what the MLmodel file says of a pipeline, beside MLflow's own flavors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from mlflow.exceptions import MlflowException
from mlflow.models import Model

from makiserve.errors import ModelRefused
from makiserve.packaging.layout import Layout

NAME = "makiserve"
FORMAT_VERSION = 1
SOURCES = "makiserve/sources"
REFERENCE_RECORDS = "makiserve/reference.jsonl"
REFERENCE_OUTPUTS = "makiserve/reference_outputs.jsonl"
PROFILE = "makiserve/profile.json"
REFERENCE_POSTED = "makiserve/reference_posted.jsonl"


class Link(msgspec.Struct, frozen=True):
    """The pipeline, registered by itself, that a model has a copy of.

    Attributes:
        uri: by which the model named it.
        name: in the registry; None where the URI is not one of a registered model, as the version.
        digest: of its sources, before a post pipeline was added.
    """

    uri: str
    name: str | None
    version: str | None
    digest: str


class Flavor(msgspec.Struct, frozen=True):
    """The entry in MLmodel. Paths are relative to the model's directory.

    Attributes:
        format_version: of this entry and the files that it names.
        makiserve_version: that packaged the model.
        python_version: likewise.
        entry_point: `module:function` of the pipeline's factory.
        record: `module:Class` of the record type.
        record_schema: the same as a JSON Schema, for those who produce records.
        sources: the directory of the pipeline's modules.
        digest: of the sources, as `Sources.digest` computes it. It detects edits; it does not prove an origin.
        plan: the fingerprint of the traced pipeline.
        inputs: the features that the model takes, in its order; none without a model.
        params: for the model's function, those that shall not have their default.
        layout: of the model's answers; None without a model, or if an earlier makiserve packaged it.
        categories: of each category column that the model was fitted on, in the order of the training.
        reference_records: one JSON object a line.
        reference_outputs: what they must cause.
        post: `module:function` of the post pipeline's factory; None without one, as the two that follow.
        post_plan: the fingerprint of the traced post pipeline.
        reference_posted: what the post pipeline must emit for the reference records.
        profile: the statistics of the training's features and predictions.
        link: the registered pipeline that this is a copy of; None where it was packaged from code.
    """

    makiserve_version: str
    python_version: str
    entry_point: str
    record: str
    record_schema: dict[str, Any]
    digest: str
    plan: str
    inputs: list[str]
    format_version: int = FORMAT_VERSION
    sources: str = SOURCES
    reference_records: str = REFERENCE_RECORDS
    reference_outputs: str = REFERENCE_OUTPUTS
    params: dict[str, Any] = {}
    layout: Layout | None = None
    categories: dict[str, list[Any]] = {}
    post: str | None = None
    post_plan: str | None = None
    reference_posted: str | None = None
    profile: str = PROFILE
    link: Link | None = None

    def add_to(self, model: Model) -> None:
        """Enter it beside the other flavors; saving the model is up to the caller."""
        model.add_flavor(NAME, **msgspec.to_builtins(self))


def read_flavor(directory: Path) -> tuple[Model, Flavor | None]:
    """The MLmodel of a directory and its `makiserve` flavor; None where it was logged by MLflow alone.

    Raises:
        ModelRefused: it is no MLflow model, or one that was packaged by a makiserve that this one does not understand.
    """
    try:
        model = Model.load(str(directory / "MLmodel"))
    except (OSError, MlflowException) as error:
        raise ModelRefused(f"not an MLflow model: it has no MLmodel file that can be read ({error})") from error
    entry = model.flavors.get(NAME)
    if entry is None:
        return model, None
    if entry.get("format_version") != FORMAT_VERSION:
        raise ModelRefused(
            f"packaged by makiserve {entry.get('makiserve_version')} in format {entry.get('format_version')}, "
            f"this makiserve reads format {FORMAT_VERSION}"
        )
    try:
        return model, msgspec.convert(entry, Flavor)
    except msgspec.ValidationError as error:
        raise ModelRefused(f"the makiserve flavor in its MLmodel is damaged: {error}") from error
