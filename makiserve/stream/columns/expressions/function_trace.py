"""Trace a function: call it with symbols, once for each way that its decisions can go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from makiserve.errors import message_of
from makiserve.stream.columns.expressions.node_values import Value, constant
from makiserve.stream.columns.expressions.nodes import Fork, Node, NodeTable, PathEnd, Tree, Untraceable
from makiserve.stream.columns.expressions.path import LengthNeeded, Path, Undecided
from makiserve.stream.columns.expressions.substitutes import Substitutes

MOST_PATHS = 32
MOST_ELEMENTS = 32


@dataclass(frozen=True, slots=True)
class Trace:
    """What tracing a function has found.

    Attributes:
        item: the node of the item.
        constants: the constants of the expression.
        tree: its paths; None if the function must be called for each item.
        reason: why it must be called for each item.
        substitutes: what the function read instead of its globals.
        length: the number of elements of the items it holds for; None if it does not matter.
    """

    item: Node
    constants: dict[Node, Value]
    tree: Tree | None
    reason: str | None
    substitutes: Substitutes
    length: int | None

    @property
    def is_whole(self) -> bool:
        """True if the function is computed in columns on all of its paths, except for those on which it raises."""
        return self.tree is not None and all(leaf.result is not None or leaf.raises for leaf in _leaves(self.tree))

    def holds(self) -> bool:
        """Return whether the globals and closures that the function reads are those that were traced."""
        return self.substitutes.holds()


def trace(function: Callable[..., Any], *, starred: bool) -> Trace:
    """Trace a function of an item, or of the elements of an item if it is starred.

    If the function takes all elements of an item, the trace is one for a length of items that the function accepts.
    """
    traced = trace_length(function, None, starred=starred)
    length = 0
    while traced is None or (traced.tree is None and 0 < length < MOST_ELEMENTS):
        length += 1
        traced = trace_length(function, length, starred=starred)
    return traced


def trace_length(function: Callable[..., Any], length: int | None, *, starred: bool) -> Trace | None:
    """Trace a function of items with a number of elements, or of any; return None if the number matters."""
    table = NodeTable()
    substitutes = Substitutes()
    item = table.node("item")
    try:
        substitute = substitutes.of(function, getattr(function, "__name__", type(function).__name__))
        called = (lambda item: substitute(*item)) if starred else substitute
        tree = _Explorer(called, length, table, substitutes).tree()
    except LengthNeeded:
        return None
    except Untraceable as error:
        return Trace(item, {}, None, str(error), substitutes, length)
    leaves = _leaves(tree)
    if all(leaf.result is None for leaf in leaves):
        return Trace(item, {}, None, leaves[0].reason, substitutes, length)
    constants = {node: constant(node.parameter) for node in table.constants()}
    return Trace(item, constants, tree, None, substitutes, length)


class _Explorer:
    def __init__(self, function: Callable[[Any], Any], length: int | None, table: NodeTable, substitutes: Substitutes):
        self._function = function
        self._length = length
        self._table = table
        self._substitutes = substitutes
        self._paths = 0

    def tree(self) -> Tree:
        """Return all paths."""
        tests_none = self._substitutes.tests_none
        tree = self.explore([])
        if self._substitutes.tests_none == tests_none:
            return tree
        self._paths = 0
        return self.explore([])  # a helper that was found on the way tests for None

    def explore(self, decisions: list[bool]) -> Tree:
        """Return the paths that begin with these decisions."""
        forks = self._substitutes.tests_none
        path = Path(self._table, decisions, forks_on_none=forks, length=self._length)
        try:
            result = path.lift(self._function(path.item()))
        except Undecided as undecided:
            if len(decisions) >= MOST_PATHS or self._paths >= MOST_PATHS:
                return self._leaf(path, None, f"it has more than {MOST_PATHS} paths")
            no = self.explore([*decisions, False])  # first: the usual outcome of a test for None
            return Fork(tuple(path.nodes), undecided.condition, self.explore([*decisions, True]), no)
        except Untraceable as error:
            return self._leaf(path, None, str(error))
        except (KeyboardInterrupt, LengthNeeded):
            raise
        except BaseException as error:  # noqa: BLE001  the function's own, or of code that cannot take a symbol
            raises = isinstance(error, AttributeError) and error.obj is None
            return self._leaf(
                path, None, f"tracing it raises {type(error).__name__}: {message_of(error)}", raises=raises
            )
        return self._leaf(path, result, None)

    def _leaf(self, path: Path, result: Node | None, reason: str | None, *, raises: bool = False) -> PathEnd:
        self._paths += 1
        return PathEnd(tuple(path.nodes), result, reason, raises)


def _leaves(tree: Tree) -> list[PathEnd]:
    return [tree] if isinstance(tree, PathEnd) else [*_leaves(tree.yes), *_leaves(tree.no)]
