"""How this environment differs from the one that a model was packaged in."""

from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path

import mlflow
from packaging.requirements import InvalidRequirement, Requirement

from makiserve.version import __version__

_RUNNING = {"makiserve": __version__, "mlflow": mlflow.__version__}
"""What runs under another name than it is required by: makiserve from a checkout, MLflow as mlflow-skinny."""


def environment_differences(requirements: Path, python_version: str) -> tuple[str, ...]:
    """What a model requires and is not so here, such as `pandas: packaged 3.1.0, here 3.2.0`.

    Args:
        requirements: the model's requirements.txt; lines that are not plain requirements are not compared.
        python_version: of the packaging; another patch release is no difference.
    """
    found = []
    if python_version.split(".")[:2] != list(platform.python_version_tuple()[:2]):
        found.append(f"python: packaged {python_version}, here {platform.python_version()}")
    lines = requirements.read_text(encoding="utf-8").splitlines() if requirements.is_file() else []
    return (*found, *filter(None, map(_difference, lines)))


def _difference(line: str) -> str | None:
    try:
        requirement = Requirement(line.partition(" #")[0])
    except InvalidRequirement:
        return None
    if requirement.marker and not requirement.marker.evaluate():
        return None
    here = _version(requirement.name)
    if here and requirement.specifier.contains(here, prereleases=True):
        return None
    packaged = str(requirement.specifier).removeprefix("==") or "any version"
    return f"{requirement.name}: packaged {packaged}, here {here or 'not installed'}"


def _version(name: str) -> str | None:
    try:
        return _RUNNING.get(name) or metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
