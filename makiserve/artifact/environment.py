"""Differences between this environment and the one that a model was packaged in."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from makiserve.errors import ConfigurationError
from makiserve.version import __version__

_OTHER_NAMES = {"mlflow": "mlflow-skinny"}
"""Other distributions of the same package."""


def environment_differences(requirements: Path, python_version: str) -> tuple[str, ...]:
    """Return the requirements of a model that this environment does not meet.

    One of them reads, for example, `pandas: packaged 3.1.0, here 3.2.0`.

    Args:
        requirements: the model's requirements.txt; lines that are not plain requirements are not compared.
        python_version: the Python version that the model was packaged with; the patch release is not compared.
    """
    lines = requirements.read_text(encoding="utf-8").splitlines() if requirements.is_file() else []
    return differences(lines, python_version)


def differences(lines: Iterable[str], python_version: str) -> tuple[str, ...]:
    """Return the lines of a requirements.txt that this environment does not meet; see `environment_differences`."""
    unmet = []
    if python_version.split(".")[:2] != list(platform.python_version_tuple()[:2]):
        unmet.append(f"python: packaged {python_version}, here {platform.python_version()}")
    return (*unmet, *filter(None, map(_difference, lines)))


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
    if name == "makiserve":
        return __version__  # also from a checkout
    for distribution in filter(None, (name, _OTHER_NAMES.get(name))):
        with suppress(metadata.PackageNotFoundError):
            return metadata.version(distribution)
    return None


def requirements(imports: Iterable[str]) -> list[str]:
    """Return the requirements of a pipeline, each pinned to the version that is installed here.

    Args:
        imports: the top-level names that it imports; a name that cannot be found here is treated as an optional import.

    Raises:
        ConfigurationError: a module belongs neither to the pipeline nor to an installed distribution.
    """
    installed = _distributions_of_modules(_installed())
    names = {name for top in imports for name in installed.get(top) or _named(top)}
    return [f"makiserve=={__version__}", *(f"{name}=={metadata.version(name)}" for name in sorted(names))]


def _installed() -> tuple[tuple[str, int], ...]:
    """Return the metadata folder of every installed distribution and when it last changed."""
    folders = [Path(entry or ".") for entry in dict.fromkeys(sys.path)]
    metadata_folders = [info for folder in folders if folder.is_dir() for info in folder.glob("*-info")]
    return tuple(sorted((str(info), info.stat().st_mtime_ns) for info in metadata_folders))


@lru_cache(maxsize=1)
def _distributions_of_modules(installed: object) -> Mapping[str, list[str]]:
    """Return the distributions of each top-level module. Reading them takes seconds, so they are kept.

    Args:
        installed: what `_installed` returns; with another value they are read again.
    """
    return metadata.packages_distributions()


def with_requirements(required: list[str], options: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the option that adds these requirements to those that MLflow infers or the user lists.

    Args:
        required: the pipeline's requirements.
        options: the user's options for the model's flavor.

    Raises:
        ConfigurationError: the options contain a complete conda environment, which cannot be extended.
    """
    if options.get("conda_env") is not None:
        raise ConfigurationError(
            "conda_env= lacks packages that the pipeline requires: pass extra_pip_requirements= or pip_requirements="
        )
    name = "pip_requirements" if options.get("pip_requirements") is not None else "extra_pip_requirements"
    given = options.get(name) or []
    return {name: [*([f"-r {given}"] if isinstance(given, str) else given), *required]}


def _named(top: str) -> list[str]:
    """Return the distribution named like a module, since one in editable mode does not list its modules."""
    try:
        return [metadata.distribution(top).name]
    except metadata.PackageNotFoundError:
        pass
    spec = find_spec(top)
    if spec is None:
        return []
    place = spec.origin or ", ".join(spec.submodule_search_locations or ())
    raise ConfigurationError(
        f"the pipeline imports {top!r} from {place}, which is neither in its source tree nor an installed "
        "distribution, so a service would not have it. Install it as a package, or move it into the pipeline's "
        "source tree"
    )
