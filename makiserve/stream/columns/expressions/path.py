"""A path through a function: the nodes it computes and the decisions it takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from makiserve.stream.columns.expressions.constants import is_scalar_constant
from makiserve.stream.columns.expressions.nodes import Node, NodeTable, Untraceable
from makiserve.stream.columns.expressions.symbols import RecordSymbol, Symbol, parts, record_parts
from makiserve.stream.immutable import is_frozen

MOST_NODES = 1000


class Undecided(BaseException):
    """The function needs a decision that this path does not have yet; no code of the function may catch it."""

    def __init__(self, condition: Node) -> None:
        self.condition = condition


class LengthNeeded(BaseException):
    """The function takes all elements of an item; no code of the function may catch it."""


class Path:
    """One run of a function with symbols.

    Args:
        table: the nodes of the function, shared by its paths.
        decisions: the outcomes of the first decisions, in order.
        forks_on_none: whether each value that is read may be None, decided when it is read.
        length: the number of elements of an item; None if it is not known.
    """

    def __init__(self, table: NodeTable, decisions: Sequence[bool], *, forks_on_none: bool, length: int | None) -> None:
        self._length = length
        self.nodes: list[Node] = []
        self._table = table
        self._decisions = iter(decisions)
        self._forks_on_none = forks_on_none
        self._known: dict[Node, bool | None] = {}
        self._read: dict[Node, Symbol] = {}

    def item(self) -> Any:
        """Return the symbol of the item."""
        return self._maybe_none(self._table.node("item"))

    def length(self, node: Node) -> int:
        """Return the number of elements of a value.

        Raises:
            LengthNeeded: it is not known yet.
            Untraceable: it is not known before the function runs.
        """
        if node.operation != "item":
            raise Untraceable("it iterates over a value")
        if self._length is None:
            raise LengthNeeded
        return self._length

    def read(self, operation: str, operands: tuple[Node, ...], parameter: Any) -> Any:
        """Return what is read from a value: a symbol or None."""
        return self._maybe_none(self._compute(operation, operands, parameter))

    def symbol(self, operation: str, operands: Sequence[Any], parameter: Any = None) -> Symbol:
        """Return the symbol of an operation on symbols and constants."""
        return Symbol(self, self._compute(operation, tuple(map(self.lift, operands)), parameter))

    def call(self, function: Callable[..., Any], arguments: Sequence[Any], keywords: tuple[Any, ...] = ()) -> Symbol:
        """Return the symbol of a call of a Python function that has no effect and never returns None."""
        return self.symbol("call", arguments, (function, keywords))

    def decide(self, condition: Node) -> bool:
        """Return the outcome of a decision on this path.

        Raises:
            Undecided: it is the first one that is not known.
        """
        known = self._known.get(condition)
        if known is None:
            try:
                known = next(self._decisions)
            except StopIteration:
                raise Undecided(condition) from None
            self._known[condition] = known
            self.nodes = []
        return known

    def lift(self, value: Any) -> Node:
        """Return the node of a symbol, a constant, or a tuple or record of these.

        Raises:
            Untraceable: it is anything else.
        """
        if type(value) is Symbol:
            return parts(value)[1]
        if is_scalar_constant(value) or (type(value) is tuple and not value):
            return self._table.node("constant", (), value)
        if type(value) is tuple:
            return self._compute("record", tuple(map(self.lift, value)), (None, ()))
        if type(value) is RecordSymbol:
            cls, values = record_parts(value)
            fields = tuple(map(self.lift, values.values()))
            if is_frozen(cls):
                return self._compute("record", fields, (cls, tuple(values)))
            return self._compute("build", fields, cls)  # a record that can be changed is one object for all its readers
        raise Untraceable(f"it uses a value of the type {type(value).__name__}")

    def _compute(self, operation: str, operands: tuple[Node, ...], parameter: Any = None) -> Node:
        node = self._table.node(operation, operands, parameter)
        if len(self._table) > MOST_NODES:
            raise Untraceable(f"it has more than {MOST_NODES} operations")
        if node not in self._known:
            self._known[node] = None
            self.nodes.append(node)
        return node

    def _maybe_none(self, node: Node) -> Any:
        if self._forks_on_none and self.decide(self._compute("is_none", (node,))):
            return None
        symbol = self._read.get(node)
        if symbol is None:  # what is read twice is one object, which a tuple or a list takes to be equal to itself
            symbol = self._read[node] = Symbol(self, node)
        return symbol
