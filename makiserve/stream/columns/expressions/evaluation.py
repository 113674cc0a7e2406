"""Evaluate the paths of a function for the items of a batch."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from makiserve.stream.columns.column import Items, Mask
from makiserve.stream.columns.expressions.merging import merge
from makiserve.stream.columns.expressions.node_values import Value, Values, either, values_of
from makiserve.stream.columns.expressions.nodes import Node, PathEnd, Tree
from makiserve.stream.columns.expressions.operations import OPERATIONS, truth

Known = dict[Node, Values]


class Evaluation:
    """One evaluation of an expression.

    Args:
        constants: the constants of the expression.
        items: the items of the batch.
    """

    def __init__(self, constants: dict[Node, Value], item: Node, items: Items) -> None:
        self._size = len(items)
        self._known: Known = {**constants, item: values_of(items)}
        self._results: list[tuple[Mask | None, Values]] = []
        self._doubtful: Mask | None = None

    def run(self, tree: Tree) -> tuple[Values | None, Mask | None]:
        """Return the results, None if there are none, and where the function must be called instead.

        Raises:
            Unsuited: the expression was not made for items like these.
        """
        self._follow(tree, None, self._known)
        return merge(self._results, self._size), self._doubtful

    def _follow(self, tree: Tree, active: Mask | None, known: Known) -> None:
        """Compute a path for the active items; None stands for all."""
        active = self._compute(tree.nodes, active, known)
        if active is not None and not active.any():
            return
        if isinstance(tree, PathEnd):
            if tree.result is None:
                self._doubt(active)
            else:
                self._results.append((active, known[tree.result]))
            return
        condition = truth(known[tree.condition], active, self._size)
        active = self._without(condition.bad, active)
        if condition.is_constant:
            self._follow(tree.yes if condition.values else tree.no, active, known)
            return
        for branch, holds in ((tree.yes, condition.values), (tree.no, ~condition.values)):
            taken = holds if active is None else active & holds
            if taken.any():
                self._follow(branch, None if taken.all() else taken, dict(known))

    def _compute(self, nodes: Iterable[Node], active: Mask | None, known: Known) -> Mask | None:
        """Compute nodes in order, and return the items for which all of them are known."""
        for node in nodes:
            if node not in known:
                operands = [known[operand] for operand in node.operands]
                known[node] = OPERATIONS[node.operation](node.parameter, operands, active, self._size)
            active = self._without(known[node].bad, active)
        return active

    def _without(self, bad: Mask | None, active: Mask | None) -> Mask | None:
        """Return the active items that are not bad; the function is called for those that are."""
        if bad is None:
            return active
        doubtful = bad if active is None else bad & active
        if not doubtful.any():
            return active
        self._doubt(doubtful)
        return ~bad if active is None else active & ~bad

    def _doubt(self, mask: Mask | None) -> None:
        self._doubtful = np.ones(self._size, np.bool_) if mask is None else either(self._doubtful, mask)
