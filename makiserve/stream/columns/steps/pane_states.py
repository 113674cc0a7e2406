"""The state of a roll as the row engine holds it: the panes of the windows that are open, as two stacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from makiserve.stream.columns.column import Column, objects
from makiserve.stream.columns.folds import column_fold
from makiserve.stream.columns.stacks import Stacks, stacks
from makiserve.stream.columns.steps.reductions import Bound, FirstItem, Join, WindowReduction, leaves_of
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
    leaf_stacks = [
        _stacks(step, leaf, tables, row, int(step.slices.count_without_gaps(count))) for leaf in leaves_of(step.tree)
    ]
    panes, *whole = (pane_contents(step.tree, partials, state) for partials in zip(*leaf_stacks, strict=True))
    return [count, panes] if step.slices.size == step.slices.window else [count, panes, *whole]


def _stacks(step: RollStep, leaf: WindowReduction, tables: Sequence[Any], row: int, count: int) -> Stacks:
    """Return the partial results of one reduction, from the last values of a group."""
    kept = min(count, step.slices.window - 1)
    values: Column = step.histories[leaf.values].of(tables).row(row)
    if step.values[leaf.values].is_last:  # a later item decides; only the latest one is known
        values = objects(values.items() * kept)
    values = values.take(slice(len(values) - kept, None))
    fold = column_fold(leaf.node, values)
    return stacks(fold, fold.read(values), step.slices.without_gaps, count)


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
