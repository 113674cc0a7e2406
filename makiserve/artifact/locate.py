"""Find where a model's files are, by its URI. If there are none, name what exists under similar names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain, islice
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

MLMODEL = "MLmodel"
SHOWN = 10
"""How many versions, aliases or names a message lists."""
NOT_FOUND = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
"""MLflow's codes for a model, a version or an alias that does not exist."""


@dataclass(frozen=True)
class Location:
    """The place of a model's files.

    Attributes:
        uri: a path, or a URI of exactly these files.
        name: the model's name in the registry; None if the URI is not that of a registered model.
        version: its version in the registry, with an alias resolved; None as above.
    """

    uri: str
    name: str | None = None
    version: str | None = None


def locate(uri: str) -> Location:
    """Return where the files of a model are. MLflow's own download from runs:/ would not report why it failed.

    Raises:
        OSError: there is no such model; the message names what was looked for, and what exists instead.
        MlflowException: the tracking server refuses the request, or does not answer.
    """
    scheme, _, rest = uri.partition(":/")
    if "://" not in uri and not rest:  # a path needs no tracking server
        return Location(_folder(Path(uri)))
    client = MlflowClient()
    if scheme == "runs":
        return Location(_run_model(client, *rest.lstrip("/").partition("/")[::2]))
    if scheme == "models":
        return _registered(client, rest.lstrip("/"))
    if scheme == "mlflow-artifacts":
        client.search_experiments(max_results=1)  # check that the server answers: a download would wait for minutes
    return Location(uri)


def _folder(path: Path) -> str:
    """Return the absolute path of a folder that contains a model."""
    absolute = path.absolute()
    if not path.exists():
        raise FileNotFoundError(
            f"the directory does not exist: {absolute}. Give the folder that contains {MLMODEL}. A registered model "
            "is written models:/NAME@ALIAS or models:/NAME/VERSION, a logged one runs:/RUN/NAME"
        )
    if not path.is_dir():
        raise NotADirectoryError(f"{absolute} is a file: give the folder that contains {MLMODEL}")
    if not (path / MLMODEL).is_file():
        inside = chain(path.glob(f"*/{MLMODEL}"), path.glob(f"*/*/{MLMODEL}"))
        models = ", ".join(sorted(str(path / file.parent.relative_to(path)) for file in islice(inside, SHOWN)))
        where = (
            f"the folders of models in it are {models}" if models else "give the folder of a model that MLflow saved"
        )
        raise FileNotFoundError(f"it has no file {MLMODEL}, so {absolute} is not a model: {where}")
    return str(absolute)


def _run_model(client: MlflowClient, run_id: str, name: str) -> str:
    """Return the URI of the model that a run has logged under a name."""
    run = client.get_run(run_id)
    outputs = run.outputs.model_outputs if run.outputs else []
    models = {model.name: model.model_id for model in (client.get_logged_model(o.model_id) for o in outputs)}
    if name in models:
        return f"models:/{models[name]}"
    if name and any(name == file.path for file in client.list_artifacts(run_id)):
        return f"{run.info.artifact_uri}/{name}"  # logged by MLflow 2
    logged = ", ".join(map(repr, models)) or "none"
    raise FileNotFoundError(
        f"the run has no logged model {name!r}; its models: {logged}. The form is runs:/{run_id}/NAME"
    )


def _registered(client: MlflowClient, path: str) -> Location:
    """Find a registered version by its number, by an alias or as the latest, or a logged model by its ID."""
    name, at, alias = path.partition("@")
    if not at and path.startswith("m-") and "/" not in path:
        return Location(f"models:/{client.get_logged_model(path).model_id}")
    if not at and "/" not in path:
        raise FileNotFoundError(f"the version or the alias is missing{_existing(client, name)}")
    try:
        if at:
            version = client.get_model_version_by_alias(name, alias).version
        else:
            name, _, version = path.rpartition("/")
            if version == "latest":
                version = str(max(_versions(client, name), default=0))
            elif not version.isdigit():
                raise FileNotFoundError(
                    f"{version!r} is neither a version number nor 'latest'; an alias is written models:/{name}@…"
                    f"{_existing(client, name)}"
                )
            client.get_model_version(name, version)
    except MlflowException as error:
        if error.error_code not in NOT_FOUND:
            raise
        raise FileNotFoundError(f"{str(error).strip().splitlines()[0]}{_existing(client, name)}") from error
    return Location(f"models:/{name}/{version}", name, str(version))


def _existing(client: MlflowClient, name: str) -> str:
    """Return the end of a message: the versions and aliases of a registered model, or the names of other models."""
    where = f" (tracking server: {mlflow.get_tracking_uri()})"
    try:
        model = client.get_registered_model(name)
    except MlflowException as error:
        return f"{where}. {_other_models(client, name)}" if error.error_code in NOT_FOUND else where
    versions = sorted(_versions(client, name))
    example = versions[-1] if versions else 1
    forms = f"models:/{name}/{example} or models:/{name}@{next(iter(model.aliases), 'ALIAS')}"
    return f"{where}. Give {forms}: it has {_listed('version', versions)} and {_listed('alias', sorted(model.aliases))}"


def _versions(client: MlflowClient, name: str) -> list[int]:
    return [int(version.version) for version in client.search_model_versions(f"name='{name}'")]


def _other_models(client: MlflowClient, name: str) -> str:
    names = [model.name for model in client.search_registered_models(max_results=100)]
    if not names:
        return (
            "No model is registered there: set MLFLOW_TRACKING_URI to the server that has the model, or start in the "
            "folder in which it was logged"
        )
    similar = get_close_matches(name, names, n=3) or names
    return f"There is no registered model {name!r}. Give another name, such as {', '.join(similar[:SHOWN])}"


def _listed(noun: str, items: Iterable[object]) -> str:
    """Return the last of some items with their noun: `versions 1, 2`, `no alias`."""
    names = [str(item) for item in items]
    if not names:
        return f"no {noun}"
    plural = noun if len(names) == 1 else f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{plural} {'… ' if len(names) > SHOWN else ''}{', '.join(names[-SHOWN:])}"
