"""A build context: a folder from which docker, podman or buildah builds an image that contains a model.

```
Dockerfile          adds the model's requirements, its files and the configuration to the serving image
requirements.txt    the model's own requirements, pinned
makiserve.toml      names the model; you can add other settings
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

SETTINGS = """# The model {uri}
model = "/srv/model"
"""


@dataclass(frozen=True)
class Context:
    """A build context on disk.

    Attributes:
        name: the model's name in the registry; None if the URI is not that of a registered model.
        version: the model's version in the registry, with an alias resolved; None if the URI is not that of a
            registered model.
    """

    directory: Path
    name: str | None
    version: str | None


def write_context(uri: str, directory: Path, *, base: str = BASE) -> Context:
    """Write the build context of an image that contains a model.

    Args:
        uri: the model's URI, as `load` takes it. None of its code is run.
        directory: the target directory, which must be empty or must not exist.
        base: the serving image.

    Raises:
        ConfigurationError: the model does not exist, it is not an MLflow model, or the directory is not empty.
    """
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise ConfigurationError(
            f"{directory} exists and is not an empty directory: remove it, or choose another --context"
        )
    with tempfile.TemporaryDirectory(prefix="makiserve-") as temporary:
        fetched = fetch(uri, Path(temporary))
        if not (fetched.directory / "MLmodel").is_file():
            raise ConfigurationError(f"model {uri}: not an MLflow model: it has no file MLmodel")
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
    """Return a model's requirements for the serving image, which has makiserve and needs MLflow without a server."""
    needed = []
    for line in lines:
        try:
            requirement = Requirement(line.partition(" #")[0])
        except InvalidRequirement:
            needed.append(line)  # a URL, or a pip option
            continue
        if requirement.name == "mlflow":
            requirement.name = "mlflow-skinny"
        if requirement.name != "makiserve":
            needed.append(str(requirement))
    return needed


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
