"""The nodes of a column expression and the tree of its paths."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import datetime, time, timezone
from typing import Any


class Untraceable(Exception):
    """The function, or one path through it, cannot be computed in columns. The message completes "because"."""


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One operation of an expression.

    Attributes:
        operation: what is computed; a name in `operations.OPERATIONS`, "item" or "constant".
        operands: the nodes whose values it takes.
        parameter: what else it depends on: a constant, the name of a field, a Python function.
    """

    operation: str
    operands: tuple[Node, ...] = ()
    parameter: Any = None


@dataclass(frozen=True, slots=True)
class PathEnd:
    """The end of a path.

    Attributes:
        nodes: what the path computes since the last decision, in the order of the function.
        result: what it returns; None if the function must be called for the items that take this path.
        reason: why it must be called.
        raises: whether the function raises on these items, because it reads an attribute of None.
    """

    nodes: tuple[Node, ...]
    result: Node | None
    reason: str | None = None
    raises: bool = False


@dataclass(frozen=True, slots=True)
class Fork:
    """A decision: the items for which the condition holds take one path, the others another."""

    nodes: tuple[Node, ...]
    condition: Node
    yes: PathEnd | Fork
    no: PathEnd | Fork


Tree = PathEnd | Fork


class NodeTable:
    """The nodes of a function. Equal operations on the same operands are one node."""

    def __init__(self) -> None:
        self._nodes: dict[Any, Node] = {}

    def node(self, operation: str, operands: tuple[Node, ...] = (), parameter: Any = None) -> Node:
        """Return the node of an operation."""
        key = (operation, tuple(map(id, operands)), parameter_key(parameter))
        node = self._nodes.get(key)
        if node is None:
            node = self._nodes[key] = Node(operation, operands, parameter)
        return node

    def constants(self) -> list[Node]:
        """Return the constants."""
        return [node for node in self._nodes.values() if node.operation == "constant"]

    def __len__(self) -> int:
        return len(self._nodes)


def parameter_key(parameter: Any) -> Any:
    """Return a key that distinguishes 0.0 from -0.0, 1 from 1.0 and True, and equal times with different zones."""
    if type(parameter) is float:
        return float, struct.pack("d", parameter)
    if type(parameter) is complex:
        return complex, struct.pack("dd", parameter.real, parameter.imag)
    if type(parameter) in (datetime, time, timezone):
        return type(parameter), repr(parameter), id(getattr(parameter, "tzinfo", None))
    if type(parameter) is tuple:
        return tuple, tuple(map(parameter_key, parameter))
    return type(parameter), parameter
