"""Trace a function: call it with symbols, once for each way that its decisions can go."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from makiserve.stream.columns.expressions.nodes import Fork, Leaf, Node, NodeTable, Tree, Untraceable
from makiserve.stream.columns.expressions.path import Path, Undecided
from makiserve.stream.columns.expressions.substitutes import Substitutes
from makiserve.stream.columns.expressions.values import Value, constant

MOST_PATHS = 32


@dataclass(frozen=True, slots=True)
class Trace:
    """What tracing a function has found.

    Attributes:
        item: the node of the item.
        constants: the constants of the expression.
        tree: its paths; None if the function must be called for each item.
        reason: why it must be called for each item.
    """

    item: Node
    constants: dict[Node, Value]
    tree: Tree | None
    reason: str | None
    substitutes: Substitutes

    def holds(self) -> bool:
        """Return whether the globals and closures that the function reads are those that were traced."""
        return self.substitutes.holds()


def trace(function: Callable[..., Any], *, starred: bool) -> Trace:
    """Trace a function of an item, or of the elements of an item if it is starred."""
    table = NodeTable()
    substitutes = Substitutes()
    item = table.node("item")
    try:
        substitute = substitutes.of(function, getattr(function, "__name__", type(function).__name__))
        count = _count(function) if starred else None
        tree: Tree = _Explorer(substitute, count, table, substitutes).explore([])
    except Untraceable as error:
        return Trace(item, {}, None, str(error), substitutes)
    leaves = _leaves(tree)
    if all(leaf.result is None for leaf in leaves):
        return Trace(item, {}, None, leaves[0].reason, substitutes)
    constants = {node: constant(node.parameter) for node in table.constants()}
    return Trace(item, constants, tree, None, substitutes)


class _Explorer:
    def __init__(self, function: Callable[..., Any], count: int | None, table: NodeTable, substitutes: Substitutes):
        self._function = function
        self._count = count
        self._table = table
        self._substitutes = substitutes
        self._paths = 0

    def explore(self, decisions: list[bool]) -> Tree:
        """Return the paths that begin with these decisions."""
        path = Path(self._table, decisions, forks_on_none=self._substitutes.tests_none)
        try:
            result = path.lift(self._call(path))
        except Undecided as undecided:
            if len(decisions) >= MOST_PATHS or self._paths >= MOST_PATHS:
                return self._leaf(path, None, f"it has more than {MOST_PATHS} paths")
            no = self.explore([*decisions, False])  # first: the usual outcome of a test for None
            return Fork(tuple(path.nodes), undecided.condition, self.explore([*decisions, True]), no)
        except Untraceable as error:
            return self._leaf(path, None, str(error))
        except Exception as error:  # noqa: BLE001  the function's own, or of code that cannot take a symbol
            return self._leaf(path, None, f"tracing it raises {type(error).__name__}: {error}")
        return self._leaf(path, result, None)

    def _leaf(self, path: Path, result: Node | None, reason: str | None) -> Leaf:
        self._paths += 1
        return Leaf(tuple(path.nodes), result, reason)

    def _call(self, path: Path) -> Any:
        if self._count is None:
            return self._function(path.item())
        path.check_length(self._count)
        return self._function(*map(path.element, range(self._count)))


def _count(function: Callable[..., Any]) -> int:
    """Return the number of positional arguments of a function.

    Raises:
        Untraceable: it may be called with several numbers of arguments.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        raise Untraceable("its number of arguments is not known") from None
    if any(parameter.kind is not parameter.POSITIONAL_OR_KEYWORD for parameter in parameters):
        raise Untraceable("its number of arguments is not fixed")
    return len(parameters)


def _leaves(tree: Tree) -> list[Leaf]:
    return [tree] if isinstance(tree, Leaf) else [*_leaves(tree.yes), *_leaves(tree.no)]
