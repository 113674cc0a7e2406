"""Import packaged pipeline modules, and find those that would replace another module for the whole process."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from importlib import import_module
from importlib.abc import MetaPathFinder, SourceLoader
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from makiserve.artifact.source.sources import INIT, Sources
from makiserve.errors import ModelRefused


def shadowed(sources: Sources) -> str | None:
    """Return a description of the first module that would hide another one in this environment; None if there is none.

    If the same project is installed here with the same files, it hides nothing.
    """
    for name in sorted(sources.top_level):
        if name in sys.stdlib_module_names:
            return f"its module {name!r} has the name of a standard library module"
        installed = _installed(name)
        if installed and not _same(sources, name, installed):
            return f"its module {name!r} has the name of an installed one, in {installed}"
    return None


def is_site(directory: str | Path) -> bool:
    """Return whether a directory is one for installed packages."""
    return Path(directory).name in ("site-packages", "dist-packages")


def _installed(name: str) -> Path | None:
    """Return the directory in which a regular module or package of this name is installed; None if there is none."""
    spec = PathFinder.find_spec(name, [entry for entry in sys.path if is_site(entry)])
    if spec is None or spec.origin is None:  # no origin: a namespace package, which may have other parts
        return None
    file = Path(spec.origin)
    return file.parent.parent if spec.submodule_search_locations else file.parent


def _same(sources: Sources, name: str, installed: Path) -> bool:
    ours = {path: content for path, content in sources.files.items() if path.split("/")[0] in (name, f"{name}.py")}
    return all((installed / path).is_file() and (installed / path).read_bytes() == ours[path] for path in ours)


class PackagedSources(MetaPathFinder, SourceLoader):  # type: ignore[misc]  # typeshed: its two bases disagree
    """A finder and loader for exactly the modules of one pipeline, before any of the same name in `sys.path`.

    It remains installed until the process ends, so that imports inside the pipeline's functions also find their
    modules. The sources are kept in memory, so the directory that they were read from may be deleted.

    Args:
        sources: the source files of the modules.
        directory: the directory that they were read from; their `__file__` is below it.
    """

    def __init__(self, sources: Sources, directory: Path) -> None:
        self.sources = sources
        self.modules = sources.modules
        self._directory = directory
        packages = {name.rpartition(".")[0] for name in self.modules}
        self._namespaces = {part for name in packages for part in _with_parents(name)} - self.modules.keys()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if target is not None and getattr(target, "__loader__", None) is not self:
            return None  # a reload of the user's own module reads the user's own file
        if fullname in self.modules:
            file = self.get_filename(fullname)
            places = _elsewhere(fullname, path) if file.endswith(INIT) else None
            return spec_from_file_location(fullname, file, loader=self, submodule_search_locations=places)
        if fullname in self._namespaces:
            return PathFinder.find_spec(fullname, path) or ModuleSpec(fullname, None, is_package=True)
        return None

    def get_filename(self, fullname: str) -> str:
        return str(self._directory / self.modules[fullname])

    def get_data(self, path: str) -> bytes:
        try:
            return self.sources.files[Path(path).relative_to(self._directory).as_posix()]
        except (KeyError, ValueError) as error:
            raise OSError(path) from error


@contextmanager
def importable(sources: Sources, directory: Path) -> Iterator[None]:
    """Make the modules importable. They remain importable unless the block fails.

    Raises:
        ModelRefused: this process has another version of one of the modules.
    """
    _refuse_other_versions(sources)
    installed = any(isinstance(finder, PackagedSources) and finder.sources == sources for finder in sys.meta_path)
    finder = PackagedSources(sources, directory)
    before = set(sys.modules)
    if not installed:
        sys.meta_path.insert(0, finder)
    try:
        yield
    except BaseException:
        if not installed:
            sys.meta_path.remove(finder)
            for name in finder.modules.keys() - before:
                sys.modules.pop(name, None)
        raise


def forget_other_versions(sources: Sources) -> None:
    """Unload packaged pipelines that have another version of one of these modules.

    Only for a process that runs one pipeline after the other, such as an executor's. Objects of the unloaded modules
    remain usable.
    """
    for finder in list(sys.meta_path):
        if isinstance(finder, PackagedSources) and any(
            finder.sources.files[path] != sources.files[sources.modules[name]]
            for name, path in finder.modules.items()
            if name in sources.modules
        ):
            sys.meta_path.remove(finder)
            for name in finder.modules:
                sys.modules.pop(name, None)


def named(path: str) -> Any:
    """Import the object that `module:name` names."""
    module, _, name = path.partition(":")
    return reduce(getattr, name.split("."), import_module(module))


def _refuse_other_versions(sources: Sources) -> None:
    for name, path in sources.modules.items():
        for content, place in _versions_here(name):
            if content != sources.files[path]:
                raise ModelRefused(
                    f"this process has already loaded another version of the pipeline's module {name} ({place}), "
                    "and a process can run only one. Load this model in a separate process"
                )


def _versions_here(name: str) -> Iterator[tuple[bytes | None, str]]:
    """Yield the content and path of a module that is already imported, or that another packaged pipeline provides."""
    if name in sys.modules:
        file = getattr(sys.modules[name], "__file__", None)
        loader: Any = getattr(sys.modules[name], "__loader__", None)
        try:
            yield loader.get_data(file), str(file)
        except (AttributeError, TypeError, OSError):  # not from a file, or the file is gone
            yield None, str(file)
    for finder in sys.meta_path:
        if isinstance(finder, PackagedSources) and name in finder.modules:
            yield finder.sources.files[finder.modules[name]], finder.get_filename(name)


def _elsewhere(package: str, path: Sequence[str] | None) -> list[str]:
    """Return the directories of a package's other modules, which the pipeline did not need; empty if there are none."""
    spec = PathFinder.find_spec(package, path)
    return list(spec.submodule_search_locations or ()) if spec else []


def _with_parents(name: str) -> Iterator[str]:
    while name:
        yield name
        name = name.rpartition(".")[0]
