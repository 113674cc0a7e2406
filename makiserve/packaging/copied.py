"""Writing the files of a model that was logged before, or those of no model at all."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature

from makiserve.errors import ModelRefused
from makiserve.packaging.flavor import NAME

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
