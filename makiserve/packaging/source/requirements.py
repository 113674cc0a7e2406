"""The distributions that a pipeline's imports come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import metadata
from importlib.util import find_spec
from typing import Any

from makiserve.errors import ConfigurationError
from makiserve.version import __version__


def requirements(imports: Iterable[str]) -> list[str]:
    """What must be installed for a pipeline to run, each pinned to the version that is installed here.

    Args:
        imports: top-level names; one that is not to be found here is taken for an optional import.

    Raises:
        ConfigurationError: a module is neither the pipeline's own nor of an installed distribution.
    """
    installed = metadata.packages_distributions()
    names = {name for top in imports for name in installed.get(top) or _named(top)}
    return [f"makiserve=={__version__}", *(f"{name}=={metadata.version(name)}" for name in sorted(names))]


def with_requirements(required: list[str], options: Mapping[str, Any]) -> dict[str, list[str]]:
    """The option that makes a model require these too, beside what MLflow infers or the user lists.

    Args:
        required: the pipeline's requirements.
        options: what the user gives for the model's flavor.

    Raises:
        ConfigurationError: a whole environment is given, which cannot be completed.
    """
    if options.get("conda_env") is not None:
        raise ConfigurationError(
            "conda_env= leaves out what the pipeline requires: pass extra_pip_requirements= or pip_requirements="
        )
    name = "pip_requirements" if options.get("pip_requirements") is not None else "extra_pip_requirements"
    given = options.get(name) or []
    return {name: [*([f"-r {given}"] if isinstance(given, str) else given), *required]}


def _named(top: str) -> list[str]:
    """The distribution with a module's own name: one that is installed in editable mode lists no modules."""
    try:
        return [metadata.distribution(top).name]
    except metadata.PackageNotFoundError:
        pass
    spec = find_spec(top)
    if spec is None:
        return []
    place = spec.origin or ", ".join(spec.submodule_search_locations or ())
    raise ConfigurationError(
        f"the pipeline imports {top!r} from {place}, which is neither in its own source tree nor an installed "
        "distribution: a service would not have it. Install it as a package, or move it beside the pipeline"
    )
