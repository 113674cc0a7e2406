"""Which modules a piece of source code imports, found without running it."""

from __future__ import annotations

import ast
from importlib.util import resolve_name


def imported_modules(source: bytes, module: str, *, is_package: bool) -> set[str]:
    r"""The dotted names that the code of `module` may import, inside functions too.

    `from a import b` gives `a` and `a.b`, as `b` may be a module. What stands under `if TYPE_CHECKING:` never runs and
    is left out; names that are only computed (`importlib.import_module(name)`) cannot be seen.

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
