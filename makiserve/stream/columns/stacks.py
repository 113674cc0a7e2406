"""A key's windows as the row engine keeps them: two stacks of panes, built from the key's last values."""

from __future__ import annotations

from typing import Any, NamedTuple

from makiserve.stream.columns.folds.fold import ColumnFold, Reading
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
    first, size = int(slices.first_open(count)), slices.size
    boundary = first + int(slices.before_boundary(first)) * size
    full = count - count % size if slices.is_open(count) else first
    before = [_pane(fold, reading, count, at, at + size) for at in range(first, boundary, size)]
    back = [_pane(fold, reading, count, at, at + size) for at in range(boundary, full, size)]
    front: list[Any] = []
    for pane in reversed(before):
        front.append(fold.reduction.merge(pane, front[-1]) if front else pane)
    total = back[:1]
    for pane in back[1:]:
        total = [fold.reduction.merge(total[0], pane)]
    return Stacks([_pane(fold, reading, count, full, count)] if full < count else [], front, back, total)


def _pane(fold: ColumnFold, reading: Reading, count: int, start: int, end: int) -> Any:
    """Return the partial result of the items from position `start` to before `end`."""
    partial, earlier = fold.reduction.zero, count - len(reading.values)
    for index in range(start - earlier, end - earlier):
        if reading.given is None or reading.given[index]:
            partial = fold.reduction.add(partial, fold.scalars(reading.values[index : index + 1])[0])
    return partial
