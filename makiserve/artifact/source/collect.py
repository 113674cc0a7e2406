"""Collect the source files of a pipeline; imports are found without running the code."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import resolve_name
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from makiserve.artifact.source.finder import is_site, shadowed
from makiserve.artifact.source.sources import INIT, Sources
from makiserve.errors import ConfigurationError
from makiserve.records import Record


def imported_modules(source: bytes, module: str, *, is_package: bool) -> set[str]:
    r"""Return the dotted names that the code of `module` may import, including imports inside functions.

    `from a import b` gives `a` and `a.b`, as `b` may be a module. Code under `if TYPE_CHECKING:` never runs and is left
    out. Computed names (`importlib.import_module(name)`) cannot be found.

    >>> sorted(imported_modules(b"import numpy.linalg\nfrom . import units", "house.features", is_package=False))
    ['house', 'house.units', 'numpy.linalg']
    """
    visitor = _Imports(module if is_package else module.rpartition(".")[0])
    visitor.visit(ast.parse(source))
    return visitor.names


class _Imports(ast.NodeVisitor):
    def __init__(self, package: str) -> None:
        self.package = package
        self.names: set[str] = set()

    def visit_Import(self, node: ast.Import) -> None:
        self.names.update(alias.name for alias in node.names)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = resolve_name("." * node.level + (node.module or ""), self.package)
        self.names.add(base)
        self.names.update(f"{base}.{alias.name}" for alias in node.names if alias.name != "*")

    def visit_If(self, node: ast.If) -> None:
        for child in node.orelse if _is_type_checking(node.test) else ast.iter_child_nodes(node):
            self.visit(child)


def _is_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", None)
    return name == "TYPE_CHECKING"


@dataclass(frozen=True)
class CollectedSources:
    """The source files of a pipeline, with the names of its entry points.

    Attributes:
        entry_point: `module:function` of the factory.
        record: `module:Class` of the record type.
        post: `module:function` of the post pipeline's factory; None without one.
        sources: their modules, and the modules of the same source tree that these import, with the enclosing packages.
        imports: the top-level names that they import from elsewhere, except the standard library and makiserve.
    """

    entry_point: str
    record: str
    post: str | None
    sources: Sources
    imports: frozenset[str]


def collect(
    features: Callable[..., Any], record: type[Record], post: Callable[..., Any] | None = None
) -> CollectedSources:
    """Collect the source of a pipeline, its record type and the post pipeline.

    Raises:
        ConfigurationError: a service could not import it, or would import something else. The message contains what to
            do.
    """
    factories = [factory for factory in (features, post) if factory is not None]
    entry_point, record_name, *post_name = map(_importable, (features, record, *factories[1:]))
    root = _root(sys.modules[features.__module__])
    for factory in factories:
        _refuse_stale(factory, sys.modules[factory.__module__])
    sources, imports = _scan(root, [*(factory.__module__ for factory in factories), record.__module__])
    if hidden := shadowed(sources):
        raise ConfigurationError(f"{entry_point}: {hidden}, which it would replace. Rename the module")
    return CollectedSources(entry_point, record_name, next(iter(post_name), None), sources, frozenset(imports))


def _importable(thing: Any) -> str:
    """Return the `module:name` by which another process can import a function or class."""
    module, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)
    if module is None or name is None:
        raise ConfigurationError(f"{thing!r} cannot be imported by name: pass the factory function itself")
    if module == "__main__":
        raise ConfigurationError(
            f"{name} is defined in a script or notebook, which a service cannot import: move it into a separate "
            "module, such as features.py, and import it from there"
        )
    resolved: Any = sys.modules.get(module)
    for part in name.split("."):
        resolved = getattr(resolved, part, None)
    if resolved is not thing:
        raise ConfigurationError(
            f"{module}.{name} is not defined at the top level of its module, so a service "
            "cannot import it: move it there"
        )
    return f"{module}:{name}"


def _root(module: ModuleType) -> Path:
    """Return the directory that must be in `sys.path` to import this module."""
    file = Path(module.__file__ or "")
    parts = module.__name__.split(".")
    steps = len(parts) + (file.name == INIT)
    root = file.absolute().parents[steps - 1] if module.__file__ else None
    if root is None or file.suffix != ".py" or _locate(root, module.__name__) != file.absolute():
        raise ConfigurationError(
            f"the source of {module.__name__} cannot be found (its file: {module.__file__}), so it "
            "cannot be packaged: define the pipeline in a .py file"
        )
    return root


def _refuse_stale(features: Callable[..., Any], module: ModuleType) -> None:
    """Raise if the file no longer contains the running function: a notebook may have imported it before an edit."""
    code = getattr(features, "__code__", None)
    file = Path(module.__file__ or "")
    compiled = compile(file.read_bytes(), str(file), "exec", dont_inherit=True)
    in_file = (const for const in compiled.co_consts if isinstance(const, CodeType))
    if code and code.co_filename == module.__file__ and code not in in_file:
        raise ConfigurationError(
            f"{file} has changed since it was imported, so its {code.co_name}() is not the one in memory: restart "
            "the process (or the notebook's kernel) and train again"
        )


def _scan(root: Path, pending: list[str]) -> tuple[Sources, set[str]]:
    """Return the files below `root` that these modules need, and the top-level names imported from elsewhere."""
    own_name = pending[0].partition(".")[0] if is_site(root) else None  # installed: its neighbours are other projects
    files: dict[str, bytes] = {}
    elsewhere: set[str] = set()
    seen: set[str] = set()
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        top = name.partition(".")[0]
        is_own = top != "makiserve" and own_name in (None, top)
        located = [(part, path) for part in _with_packages(name) if is_own and (path := _locate(root, part))]
        if not located:
            elsewhere.add(top)
        for part, path in located:
            if (key := path.relative_to(root).as_posix()) not in files:
                files[key] = path.read_bytes()
                pending += imported_modules(files[key], part, is_package=path.name == INIT)
    return Sources(files), elsewhere - sys.stdlib_module_names - {"makiserve"}


def _with_packages(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[: count + 1]) for count in range(len(parts))]


def _locate(root: Path, name: str) -> Path | None:
    base = root.joinpath(*name.split("."))
    candidates = (base / INIT, base.with_name(base.name + ".py"))
    return next((path for path in candidates if path.is_file()), None)
