"""The `makiserve` flavor: the entry for a pipeline in the MLmodel file, in addition to MLflow's own flavors."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from mlflow.models import Model, ModelSignature

from makiserve.artifact.layout import Layout
from makiserve.artifact.locate import MLMODEL
from makiserve.errors import ModelRefused
from makiserve.structs import thread_safe

NAME = "makiserve"
FORMAT_VERSION = 1
SOURCES = "makiserve/sources"
REFERENCE_RECORDS = "makiserve/reference.jsonl"
REFERENCE_OUTPUTS = "makiserve/reference_outputs.jsonl"
PROFILE = "makiserve/profile.json"
REFERENCE_POSTED = "makiserve/reference_posted.jsonl"


class PipelineLink(msgspec.Struct, frozen=True):
    """The separately registered pipeline that a model contains a copy of.

    Attributes:
        uri: the pipeline's URI, as given when the model was logged.
        name: the pipeline's name in the registry; None if the URI is not that of a registered model.
        version: the pipeline's version in the registry; None if the URI is not that of a registered model.
        digest: the digest of its sources before a post pipeline was added.
    """

    uri: str
    name: str | None
    version: str | None
    digest: str


@thread_safe
class Flavor(msgspec.Struct, frozen=True):
    """The entry in MLmodel. Paths are relative to the model's directory.

    Attributes:
        format_version: the format version of this entry and of the files that it names.
        makiserve_version: the makiserve version that packaged the model.
        python_version: the Python version that packaged the model.
        entry_point: `module:function` of the pipeline's factory.
        record: `module:Class` of the record type.
        record_schema: the record type as a JSON Schema, for producers of records.
        sources: the directory of the pipeline's modules.
        digest: the digest of the sources from `Sources.digest`. It detects edits, but does not prove their origin.
        plan: the fingerprint of the traced pipeline.
        inputs: the features that the model takes, in its order; empty without a model.
        params: the parameters of the model's function that differ from their defaults.
        layout: the layout of the model's outputs; None without a model, or if an earlier makiserve packaged it.
        categories: the categories of each category column that the model was fitted on, in the order of the training.
        reference_records: the file of the reference records, one JSON object per line.
        reference_outputs: the file of the outputs that the reference records must cause.
        post: `module:function` of the post pipeline's factory; None without one.
        post_plan: the fingerprint of the traced post pipeline; None without one.
        reference_posted: the file of the items that the post pipeline must emit for the reference records; None without
            one.
        profile: the file of the statistics of the training's features and predictions.
        link: the registered pipeline that this is a copy of; None if it was packaged from code.
        reference_table: the table that the reference was read from, with its version; None if it was not a table.
        training_sources: the sources of the training frame, tables with their version; empty if they are not known.
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
    link: PipelineLink | None = None
    reference_table: str | None = None
    training_sources: list[str] = []

    def add_to(self, model: Model) -> None:
        """Add this entry to the model's flavors, without saving the model."""
        model.add_flavor(NAME, **msgspec.to_builtins(self))


def read_flavor(directory: Path) -> tuple[Model, Flavor | None]:
    """Read the MLmodel of a directory and its `makiserve` flavor, which is None if MLflow alone logged the model.

    Raises:
        ModelRefused: the directory is not an MLflow model, or this makiserve does not support its format.
    """
    model = _mlmodel(directory)
    entry = model.flavors.get(NAME)
    if entry is None:
        return model, None
    if entry.get("format_version") != FORMAT_VERSION:
        raise ModelRefused(
            f"packaged by makiserve {entry.get('makiserve_version')} in format {entry.get('format_version')}, but "
            f"this makiserve reads format {FORMAT_VERSION}: log the model again, or install that version of makiserve"
        )
    try:
        return model, msgspec.convert(entry, Flavor)
    except msgspec.ValidationError as error:
        raise ModelRefused(f"the makiserve flavor in its MLmodel is damaged: {error}. Log the model again") from error


def _mlmodel(directory: Path) -> Model:
    if not (directory / MLMODEL).is_file():
        raise ModelRefused(f"it has no file {MLMODEL}, so it is not an MLflow model: give the folder that contains one")
    try:
        model = Model.load(str(directory / MLMODEL))
        dict(model.flavors)  # raises if it is not a mapping
    except Exception as error:  # what YAML, MLflow and Python raise on a damaged file
        raise ModelRefused(
            f"its file {MLMODEL} cannot be read: {type(error).__name__}: {' '.join(str(error).split())}. Log the model "
            "again"
        ) from error
    return model


REQUIREMENTS = "requirements.txt"
PYFUNC = "python_function"


def read_copied(directory: Path, uri: str) -> Model:
    """Read the MLmodel of a model that a pipeline can be added to.

    Raises:
        ModelRefused: it is not an MLflow model, or has no `python_function` flavor to call it by.
    """
    try:
        model = _mlmodel(directory)
    except ModelRefused as error:
        raise ModelRefused(f"model {uri}: {error}") from error
    if PYFUNC not in model.flavors:
        raise ModelRefused(
            f"model {uri}: it has no {PYFUNC} flavor, only {', '.join(model.flavors)}, so it cannot be called"
        )
    return model


def save_copied(
    source: Path, requirements: Sequence[str], path: Path, mlflow_model: Model, options: Mapping[str, Any]
) -> ModelSignature | None:
    """Copy the files of a logged model without its pipeline, and add the requirements of another pipeline."""
    shutil.copytree(source, path, dirs_exist_ok=True)
    shutil.rmtree(path / NAME, ignore_errors=True)
    logged = Model.load(str(source / MLMODEL))
    for name, flavor in logged.flavors.items():
        if name != NAME:
            mlflow_model.add_flavor(name, **flavor)
    mlflow_model.signature = logged.signature
    mlflow_model.saved_input_example_info = logged.saved_input_example_info
    mlflow_model.metadata = logged.metadata
    mlflow_model.save(str(path / MLMODEL))
    file = path / REQUIREMENTS
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    file.write_text("".join(f"{line}\n" for line in dict.fromkeys([*lines, *requirements])), encoding="utf-8")
    return logged.signature


def save_alone(requirements: Sequence[str], path: Path, mlflow_model: Model, options: Mapping[str, Any]) -> None:
    """Write the requirements of a pipeline without a model."""
    path.mkdir(parents=True, exist_ok=True)
    (path / REQUIREMENTS).write_text("".join(f"{line}\n" for line in requirements), encoding="utf-8")
