"""The `makiserve` flavor: what the MLmodel file says of a pipeline, beside MLflow's own flavors."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature

from makiserve.artifact.layout import Layout
from makiserve.errors import ModelRefused

NAME = "makiserve"
FORMAT_VERSION = 1
SOURCES = "makiserve/sources"
REFERENCE_RECORDS = "makiserve/reference.jsonl"
REFERENCE_OUTPUTS = "makiserve/reference_outputs.jsonl"
PROFILE = "makiserve/profile.json"
REFERENCE_POSTED = "makiserve/reference_posted.jsonl"


class PipelineLink(msgspec.Struct, frozen=True):
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
    link: PipelineLink | None = None

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


MLMODEL = "MLmodel"
REQUIREMENTS = "requirements.txt"
PYFUNC = "python_function"


def read_copied(directory: Path, uri: str) -> Model:
    """The MLmodel of a model that can be given a pipeline.

    Raises:
        ModelRefused: it is none, or one that nobody but its own library can load.
    """
    try:
        model = Model.load(str(directory / MLMODEL))
    except (OSError, MlflowException) as error:
        raise ModelRefused(
            f"model {uri}: no MLflow model: it has no MLmodel file that can be read ({error})"
        ) from error
    if PYFUNC not in model.flavors:
        raise ModelRefused(
            f"model {uri}: it has no {PYFUNC} flavor, only {', '.join(model.flavors)}: nothing can call it"
        )
    return model


def save_copied(
    source: Path, requirements: Sequence[str], path: Path, mlflow_model: Model, options: Mapping[str, Any]
) -> ModelSignature | None:
    """Write the files of a logged model anew, its pipeline left out, and what another pipeline requires."""
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
    """Write what a pipeline without a model requires."""
    path.mkdir(parents=True, exist_ok=True)
    (path / REQUIREMENTS).write_text("".join(f"{line}\n" for line in requirements), encoding="utf-8")
