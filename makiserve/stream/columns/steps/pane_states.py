"""The state of a roll as the row engine holds it: the panes of the windows that are open, as two stacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from makiserve.stream.columns.column import Column, objects
from makiserve.stream.columns.folds import column_fold
from makiserve.stream.columns.folds.fold import ColumnFold, Reading, plain_panes
from makiserve.stream.columns.slices import Slices
from makiserve.stream.columns.steps.reductions import Bound, FirstItem, Join, WindowReduction, leaves_of
from makiserve.stream.engine.scope import MISSING
from makiserve.stream.engine.stage import State

if TYPE_CHECKING:
    from makiserve.stream.columns.steps.windows import RollStep


class Stacks(NamedTuple):
    """The partial results of one reduction in the slots of `stream/engine/panes.py`.

    Attributes:
        pane: the pane that is not full, in a list; empty if there is none.
        front: for each pane before the boundary, the merge of it and all later ones, the oldest last.
        back: the full panes after the boundary.
        total: their merge, in a list; empty if there are none.
    """

    pane: list[Any]
    front: list[Any]
    back: list[Any]
    total: list[Any]


def pane_states(step: RollStep, tables: Sequence[Any], row: int, count: int, state: State) -> list[Any]:
    """Return what the slots of a roll hold for a group: position, current pane, and the two stacks of whole panes.

    Args:
        step: the roll.
        tables: the state of the lane in columns.
        row: the row of the group.
        count: the number of its items.
        state: the group's state in the row engine.
    """
    leaf_stacks = [
        _stacks_of(step, leaf, tables, row, int(step.slices.count_without_gaps(count))) for leaf in leaves_of(step.tree)
    ]
    panes, *whole = (pane_contents(step.tree, partials, state) for partials in zip(*leaf_stacks, strict=True))
    return [count, panes] if step.slices.size == step.slices.window else [count, panes, *whole]


def _stacks_of(step: RollStep, leaf: WindowReduction, tables: Sequence[Any], row: int, count: int) -> Stacks:
    """Return the partial results of one reduction, from the last values of a group."""
    kept = min(count, step.slices.window - 1)
    values: Column = step.histories[leaf.values].of(tables).row(row)
    if step.values[leaf.values].is_last:  # a later item decides; only the latest one is known
        values = objects(values.items() * kept)
    values = values.take(slice(len(values) - kept, None))
    fold = column_fold(leaf.node, values)
    return stacks(fold, fold.read(values), step.slices.without_gaps, count)


def stacks(fold: ColumnFold, reading: Reading, slices: Slices, count: int) -> Stacks:
    """Return the stacks of a key that has had `count` items.

    Windows that are one pane each (the window divides the stride) have no stacks in the row engine, only `pane`.

    Args:
        fold: the column form of the reduction.
        reading: the values of its last items, at least `window - 1` of them, or all if there are fewer.
        slices: the windows.
        count: the number of items so far.
    """
    pane, earlier = plain_panes(fold, reading), count - len(reading.values)
    first, size = int(slices.first_open(count)), slices.size
    boundary = first + int(slices.before_boundary(first)) * size
    full = count - count % size if slices.is_open(count) else first
    before = [pane(at - earlier, at + size - earlier) for at in range(first, boundary, size)]
    back = [pane(at - earlier, at + size - earlier) for at in range(boundary, full, size)]
    front: list[Any] = []
    for partial in reversed(before):
        front.append(fold.reduction.merge(partial, front[-1]) if front else partial)
    total = back[:1]
    for partial in back[1:]:
        total = [fold.reduction.merge(total[0], partial)]
    return Stacks([pane(full - earlier, count - earlier)] if full < count else [], front, back, total)


def pane_contents(tree: WindowReduction | Join, partials: Sequence[Sequence[Any]], state: State) -> list[State]:
    """Return the states of panes, given for each reduction its partial result in each pane."""
    leaves = list(leaves_of(tree))
    marks = [object() for _ in leaves]
    bounds = [index for index, leaf in enumerate(leaves) if isinstance(leaf.node, Bound)]
    layout = [state, *_slots(tree, iter(marks))]
    for index in bounds[:-1]:  # the row engine has one slot for both bounds, which the last branch allocates
        layout.remove(marks[index])
    places = [(layout.index(mark), index) for index, mark in enumerate(marks) if index not in bounds[:-1]]
    states = []
    for pane in zip(*partials, strict=True):
        slots = layout.copy()
        for place, index in places:
            slots[place] = pane[index]
        states.append(slots)
    return states


def _slots(node: WindowReduction | Join, partials: Iterator[Any]) -> list[Any]:
    """Return the slots of a part of a window's pipeline; the row engine allocates those of the last branch first."""
    if isinstance(node, WindowReduction):
        return [next(partials)]
    waiting, filled, branches = list[Any](), 0, list[list[Any]]()
    for index, branch in enumerate(node.branches):
        slots, early = _slots(branch, partials), MISSING
        if isinstance(branch, WindowReduction) and isinstance(branch.node, FirstItem):
            slots, early = [True], slots[0]  # the join holds what has been emitted before completion
            filled |= 1 << index
        waiting.append(early)
        branches.append(slots)
    return [*waiting, filled, *(slot for slots in reversed(branches) for slot in slots)]
