"""A build context: a folder that docker, podman or buildah makes an image of, with a model in it.

```
Dockerfile          from the serving image: what the model requires, its files, the configuration
requirements.txt    the model's own, pinned
makiserve.toml      says which model; more may be written into it
model/              the files of the MLflow model, as they were logged
```
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from makiserve.artifact.fetch import fetch
from makiserve.errors import ConfigurationError
from makiserve.version import __version__

BASE = f"makiserve:{__version__}"

DOCKERFILE = """\
# The serving image with a model in it. pip.conf and ca.pem are optional: where packages come from another index than
# PyPI. They stay out of the image.
ARG BASE={base}
FROM ${{BASE}}
USER root
COPY requirements.txt /srv/requirements.txt
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \\
    --mount=type=secret,id=ca.pem,target=/run/secrets/ca.pem \\
    python3 -m venv /tmp/pip \\
    && /tmp/pip/bin/pip --python /opt/makiserve/bin/python --no-cache-dir --disable-pip-version-check \\
        install --quiet --requirement /srv/requirements.txt \\
    && rm -r /tmp/pip
COPY model /srv/model
COPY makiserve.toml /srv/makiserve.toml
LABEL {labels}
USER 10001:10001
"""

SETTINGS = """\
# The model of {uri}
model = "/srv/model"
"""


@dataclass(frozen=True)
class Context:
    """A folder that was written.

    Attributes:
        name: of the model in the registry; None where the URI is not one of a registered model.
        version: likewise; an alias is resolved.
    """

    directory: Path
    name: str | None
    version: str | None


def write_context(uri: str, directory: Path, *, base: str = BASE) -> Context:
    """Write the build context of an image with a model.

    Args:
        uri: of the model, as `load` takes it. Nothing of it is run.
        directory: where to; it must not exist, or be empty.
        base: the serving image.

    Raises:
        ConfigurationError: the model is not there, is none, or the directory has something in it.
    """
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise ConfigurationError(f"{directory} is not an empty directory: remove it, or name another --context")
    with tempfile.TemporaryDirectory(prefix="makiserve-") as temporary:
        fetched = fetch(uri, Path(temporary))
        if not (fetched.directory / "MLmodel").is_file():
            raise ConfigurationError(f"model {uri}: it has no file MLmodel: that is no MLflow model")
        shutil.copytree(fetched.directory, directory / "model", dirs_exist_ok=True)
    listed = directory / "model" / "requirements.txt"
    lines = listed.read_text(encoding="utf-8").splitlines() if listed.is_file() else []
    labels = {"makiserve.model": fetched.name or uri, "makiserve.version": fetched.version or ""}
    _write(directory / "requirements.txt", "".join(f"{line}\n" for line in requirements(lines)))
    _write(directory / "makiserve.toml", SETTINGS.format(uri=uri))
    label = " ".join(f"{name}={json.dumps(value)}" for name, value in labels.items())
    _write(directory / "Dockerfile", DOCKERFILE.format(base=base, labels=label))
    return Context(directory, fetched.name, fetched.version)


def requirements(lines: Iterable[str]) -> list[str]:
    """A model's requirements as the serving image takes them: with its own makiserve, and MLflow without a server."""
    found = []
    for line in lines:
        try:
            requirement = Requirement(line.partition(" #")[0])
        except InvalidRequirement:
            found.append(line)  # a URL, an option of pip's
            continue
        if requirement.name == "mlflow":
            requirement.name = "mlflow-skinny"
        if requirement.name != "makiserve":
            found.append(str(requirement))
    return found


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
