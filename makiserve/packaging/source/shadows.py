"""Pipeline modules that have the name of something else: they would replace it for the whole process."""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from pathlib import Path

from makiserve.packaging.source.sources import Sources


def shadowed(sources: Sources) -> str | None:
    """What in this environment one of the modules would hide, in words; None where nothing.

    A project that is installed here with the same files is itself, and hides nothing.
    """
    for name in sorted(sources.top_level):
        if name in sys.stdlib_module_names:
            return f"its module {name!r} has the name of a module of the standard library"
        installed = _installed(name)
        if installed and not _same(sources, name, installed):
            return f"its module {name!r} has the name of one that is installed here, in {installed}"
    return None


def is_site(directory: str | Path) -> bool:
    """Whether packages are installed in a directory."""
    return Path(directory).name in ("site-packages", "dist-packages")


def _installed(name: str) -> Path | None:
    """The directory in which a regular module or package of this name is installed."""
    spec = PathFinder.find_spec(name, [entry for entry in sys.path if is_site(entry)])
    if spec is None or spec.origin is None:  # without an origin: a part of a namespace, which may have other parts
        return None
    file = Path(spec.origin)
    return file.parent.parent if spec.submodule_search_locations else file.parent


def _same(sources: Sources, name: str, installed: Path) -> bool:
    ours = {path: content for path, content in sources.files.items() if path.split("/")[0] in (name, f"{name}.py")}
    return all((installed / path).is_file() and (installed / path).read_bytes() == ours[path] for path in ours)
