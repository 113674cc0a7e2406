"""Running reductions: the partial result of each segment after each of its items.

Many short segments are reduced in rounds: the first item of each segment, then the second of each, and so on. Few long
ones are reduced one after the other. Every form does the same operations in the same order, so they give the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from makiserve.stream.columns.column import Array, Column, Mask, objects
from makiserve.stream.columns.folds.fold import Arrays, ColumnFold, Reading, broadcast
from makiserve.stream.columns.folds.objects import ObjectFold
from makiserve.stream.columns.segments import Segments


class Running(NamedTuple):
    """What a running reduction gives.

    Attributes:
        results: the result after each item.
        carry: the partial result of each segment after its last item.
        failed: the items on which the reduction raised, which are not in `carry`; None if there are none.
    """

    results: Column
    carry: Arrays
    failed: Mask | None = None


def running(fold: ColumnFold, reading: Reading, segments: Segments, carry: Arrays) -> Running:
    """Reduce each segment item by item.

    Args:
        fold: the column form of the reduction.
        reading: its values, neither failed nor odd.
        segments: their segments.
        carry: the partial result of each segment before its first item.
    """
    if isinstance(fold, ObjectFold):
        return _by_item(fold, reading, segments, carry, fold.reduction.result)
    partial, carry = _partials(fold, reading, segments, carry)
    with np.errstate(all="ignore"):
        return Running(fold.result(partial), carry)


class Partials(NamedTuple):
    """The partial results of a reduction.

    Attributes:
        after_each: those after each item.
        last: those of each segment after its last item.
        failed: the items on which the reduction raised; None if there are none.
    """

    after_each: Arrays
    last: Arrays
    failed: Mask | None = None


def partials(fold: ColumnFold, reading: Reading, segments: Segments, carry: Arrays) -> Partials:
    """Return the partial results of each segment, item by item; the arguments are those of `running`."""
    if isinstance(fold, ObjectFold):
        results, last, failed = _by_item(fold, reading, segments, carry, None)
        return Partials((results.values,), last, failed)
    return Partials(*_partials(fold, reading, segments, carry))


def _partials(fold: ColumnFold, reading: Reading, segments: Segments, carry: Arrays) -> tuple[Arrays, Arrays]:
    with np.errstate(all="ignore"):
        if reading.given is None:
            return _reduce(fold, reading.values, segments, carry)
        return _reduce_given(fold, reading.values, reading.given, segments, carry)


def _reduce(fold: ColumnFold, values: Array, segments: Segments, carry: Arrays) -> tuple[Arrays, Arrays]:
    """Return the partial result after each value and after each segment."""
    lengths = segments.lengths
    if len(lengths) == len(values):
        partial = broadcast(fold.add(carry, values), len(values))
        return partial, partial
    if not len(lengths):
        return fold.zero(0), carry
    order = np.argsort(-lengths, kind="stable")
    longest, starts = lengths[order], segments.starts[order]
    active = np.searchsorted(-longest, -np.arange(longest[0]), side="left")  # by rank: the number of longer segments
    rounds = int(np.searchsorted(-active, -fold.few, side="right"))
    current = tuple(array[order] for array in carry)
    after = tuple(np.empty(len(values), array.dtype) for array in carry)
    for rank, count in enumerate(active[:rounds].tolist()):
        at = starts[:count] + rank
        added = fold.add(tuple(array[:count] for array in current), values[at])
        for kept, written, array in zip(current, after, added, strict=True):
            kept[:count] = written[at] = array
    for index in range(int(active[rounds]) if rounds < len(active) else 0):
        items = slice(int(starts[index]) + rounds, int(starts[index] + longest[index]))
        added = fold.accumulate(tuple(array[index : index + 1] for array in current), values[items])
        for kept, written, array in zip(current, after, added, strict=True):
            written[items] = array
            kept[index] = array[-1]
    left = tuple(np.empty_like(array) for array in current)
    for array, sorted_ in zip(left, current, strict=True):
        array[order] = sorted_
    return after, left


def _reduce_given(
    fold: ColumnFold, values: Array, given: Mask, segments: Segments, carry: Arrays
) -> tuple[Arrays, Arrays]:
    """Do as `_reduce`, and leave out the values that are not given: the partial result is then as before."""
    rest, indexes = segments.take(given)
    partial, reduced = _reduce(fold, values[given], rest, tuple(array[indexes] for array in carry))
    after = tuple(array.copy() for array in carry)
    for array, some in zip(after, reduced, strict=True):
        array[indexes] = some
    counts = np.cumsum(given)  # of the values given so far, in all segments
    before: Array = (counts - given)[segments.starts][segments.segment_of]
    at = np.where(counts > before, len(segments.lengths) + counts - 1, segments.segment_of)
    return tuple(np.concatenate(pair)[at] for pair in zip(carry, partial, strict=True)), after


def _by_item(
    fold: ColumnFold,
    reading: Reading,
    segments: Segments,
    carry: Arrays,
    result: Callable[[Any], Any] | None,
) -> Running:
    """Reduce with the functions of the row engine, of which any may raise."""
    add = fold.reduction.add
    values = reading.values.tolist()
    given = [True] * len(values) if reading.given is None else reading.given.tolist()
    partials, results, failed = fold.plain(carry), [], []
    for segment, (start, length) in enumerate(zip(segments.starts.tolist(), segments.lengths.tolist(), strict=True)):
        partial = partials[segment]
        for index in range(start, start + length):
            try:
                added = add(partial, values[index]) if given[index] else partial
                results.append(result(added) if result else added)
                partial = added
            except KeyboardInterrupt:
                raise
            except BaseException:  # noqa: BLE001  the values are a user's
                results.append(None)
                failed.append(index)
        partials[segment] = partial
    mask = np.zeros(len(values), np.bool_)
    mask[failed] = True
    after = fold.from_plain(partials)
    assert after is not None  # noqa: S101  objects hold everything
    return Running(objects(results), after, mask if failed else None)
