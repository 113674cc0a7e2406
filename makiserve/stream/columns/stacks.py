"""A key's windows as the row engine keeps them: two stacks of panes, built from the key's last values."""

from __future__ import annotations

from typing import Any, NamedTuple

from makiserve.stream.columns.folds.fold import ColumnFold, Reading, plain_panes
from makiserve.stream.columns.slices import Slices


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
