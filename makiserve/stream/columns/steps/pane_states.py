"""The state of a roll as the row engine holds it: the panes of the windows that are open, as two stacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

from makiserve.stream.columns.steps.folding import row_reduction
from makiserve.stream.columns.steps.reductions import Join, Leaf
from makiserve.stream.engine.scope import MISSING
from makiserve.stream.engine.stage import State

if TYPE_CHECKING:
    from makiserve.stream.columns.steps.windows import RollStep


def pane_states(step: RollStep, tables: Sequence[Any], row: int, count: int, state: State) -> list[Any]:
    """Return what the slots of a roll hold for a group: position, current pane, and the two stacks of whole panes.

    Args:
        step: the roll.
        tables: the state of the lane in columns.
        row: the row of the group.
        count: the number of its items.
        state: the group's state in the row engine.
    """
    slices = step.slices
    first, size = int(slices.first_open(count)), slices.size
    starts = range(first, count - size + 1, size)
    open_ = count - count % size
    is_open = open_ < count and (slices.stride <= slices.window or open_ % slices.stride < slices.window)
    pane = _Panes(step, tables, row, count, state)
    current = [pane.state(open_, count)] if is_open else []
    if size == slices.window:
        return [count, current]
    panes = [pane.state(start, start + size) for start in starts]
    boundary = int(slices.before_boundary(first))
    front: list[State] = []
    for earlier in reversed(panes[:boundary]):
        front.append(pane.merged(earlier, front[-1]) if front else earlier)
    back = panes[boundary:]
    return [count, current, front, back, [reduce(pane.merged, back)] if back else []]


class _Panes:
    """Makes the states of panes of one group."""

    def __init__(self, step: RollStep, tables: Sequence[Any], row: int, count: int, state: State) -> None:
        self._step, self._tables, self._row, self._count, self._state = step, tables, row, count, state

    def state(self, start: int, stop: int) -> State:
        """Return the state of the pane of the items at these positions."""
        return [self._state, *self._slots(self._step.tree, start, stop)]

    def merged(self, earlier: State, later: State) -> State:
        """Return the state of two consecutive panes."""
        return [later[0], *self._merged(self._step.tree, iter(earlier[1:]), iter(later[1:]))]

    def _merged(self, node: Leaf | Join, earlier: Iterator[Any], later: Iterator[Any]) -> list[Any]:
        if not isinstance(node, Join):
            return [row_reduction(node.node).merge(next(earlier), next(later))]
        waiting = [next(earlier) for _ in range(len(node.branches) + 1)]  # of the join, which holds nothing yet
        for _ in waiting:
            next(later)
        branches = (self._merged(branch, earlier, later) for branch in reversed(node.branches))
        return [*waiting, *(slot for slots in branches for slot in slots)]

    def _slots(self, node: Leaf | Join, start: int, stop: int) -> list[Any]:
        if not isinstance(node, Join):
            return [self._partial(node, start, stop)]
        branches = [slot for branch in reversed(node.branches) for slot in self._slots(branch, start, stop)]
        return [*[MISSING] * len(node.branches), 0, *branches]

    def _partial(self, leaf: Leaf, start: int, stop: int) -> Any:
        reduction = row_reduction(leaf.node)
        values = self._step.last_values(leaf, self._tables, self._row, self._count)
        if self._step.values[leaf.values].is_last:
            return values[-1]  # a later pane decides, or there is none
        partial = reduction.zero
        for position in range(start, stop):
            value = values[position - self._count]
            if not (leaf.node.skip_missing and reduction.is_missing(value)):
                read = value if reduction.read is None or type(value) is float else reduction.read(value)
                partial = reduction.add(partial, read)
        return partial
