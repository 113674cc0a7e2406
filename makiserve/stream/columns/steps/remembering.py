"""`lag`, `pairwise` and `distinct_until_changed` in columns: steps that remember items."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from makiserve.stream.columns.attempt import Attempt, check
from makiserve.stream.columns.column import Column, Mask, Rows
from makiserve.stream.columns.expressions.column_function import column_function
from makiserve.stream.columns.flow import Flow
from makiserve.stream.columns.history import advance, earlier
from makiserve.stream.columns.steps.step import ScopeLayout, Step
from makiserve.stream.columns.store import ItemStore, Store, numbers
from makiserve.stream.engine.failure_mark import marked
from makiserve.stream.engine.scope import MISSING
from makiserve.stream.engine.stage import State


class LagStep(Step):
    """Pairs each item with the one `size` items before it; with the first one while there are fewer.

    A mark notes that the item after n others has failed with what is held, which is `2 * n + 1`. It has no effect any
    more once another item has passed. See `stream/engine/held_items.py`.

    Attributes:
        size: how many items back.
    """

    is_stateful = True

    def __init__(self, path: str, layout: ScopeLayout, size: int) -> None:
        super().__init__(path)
        self.size = size
        self._items = layout.store(path, lambda: ItemStore(size))
        self._counts = layout.store(path, lambda: Store(numbers(np.int64)))
        self._marks = layout.store(path, lambda: Store(numbers(np.int64)))

    def run(self, flow: Flow, attempt: Attempt) -> Flow:
        earlier, _ = self._earlier(flow, attempt)
        return flow.with_items(Rows(None, (), (earlier, flow.items)))

    def _earlier(self, flow: Flow, attempt: Attempt) -> tuple[Column, Any]:
        """Return the earlier item for each item, and the number of items before it."""
        items, counts = self._items.of(attempt.tables), self._counts.of(attempt.tables)
        column, segments = items.accept(flow.items), flow.segments
        held, held_missing = items.get(flow.rows)
        (count,) = counts.get(flow.rows)
        values = earlier(held, count, column.values, segments, self.size)
        after, missing, after_missing = advance(held, column.values, segments), None, held_missing
        if held_missing.size and (column.missing is not None or held_missing.any()):
            given = np.zeros(len(column), np.bool_) if column.missing is None else column.missing
            missing = earlier(held_missing, count, given, segments, self.size)
            after_missing = advance(held_missing, given, segments)
        attempt.write(items, flow.rows, (after, after_missing))
        attempt.write(counts, flow.rows, (count + segments.lengths,))
        return Column(values, missing), count[segments.segment_of] + segments.ranks

    def note_failure(self, tables: Sequence[Any], row: int) -> None:
        """Note that the next item of a group has failed with what is held; the second time, drop the earliest item."""
        (counts,), (marks,) = self._counts.of(tables).arrays, self._marks.of(tables).arrays
        count = int(counts[row])
        mark = marked(count, int(marks[row]))
        is_dropped = mark == 2 * count + 2
        marks[row] = 0 if is_dropped else mark
        counts[row] = min(count, self.size) - 1 if is_dropped else count

    def slots(self, tables: Sequence[Any], row: int, state: State, *, is_tracked: bool = False) -> list[Any]:
        kept, mark = self._kept(tables, row), int(self._marks.of(tables).arrays[0][row])
        failures = int(mark == 2 * int(self._counts.of(tables).arrays[0][row]) + 1)
        return [kept[0] if kept else MISSING, failures] if self.size == 1 else [deque(kept), failures]

    def _kept(self, tables: Sequence[Any], row: int) -> list[Any]:
        items, counts = self._items.of(tables), self._counts.of(tables)
        kept: list[Any] = items.row(row).items()
        return kept[max(0, self.size - int(counts.arrays[0][row])) :]


class PairwiseStep(LagStep):
    """Pairs each item with the one before it, from the second item on."""

    def __init__(self, path: str, layout: ScopeLayout) -> None:
        super().__init__(path, layout, 1)

    def run(self, flow: Flow, attempt: Attempt) -> Flow:
        earlier, before = self._earlier(flow, attempt)
        pairs = flow.with_items(Rows(None, (), (earlier, flow.items)))
        return pairs if before.all() else pairs.where(before > 0)


class DistinctUntilChangedStep(LagStep):
    """Passes an item on unless its key equals that of the item before it."""

    def __init__(self, path: str, layout: ScopeLayout, key_mapper: Callable[[Any], Any] | None) -> None:
        super().__init__(path, layout, 1)
        self._call = key_mapper
        self._key = column_function(key_mapper) if key_mapper else None

    @property
    def reason(self) -> str | None:
        return self._key.reason if self._key else None

    def run(self, flow: Flow, attempt: Attempt) -> Flow:
        keys = flow.items
        if self._key and self._call:
            keys, failed = self._key.evaluate(flow.items)
            check(flow, failed, self._call, self.path, is_certain=self.is_certain)
        given = flow.with_items(keys)
        earlier, before = self._earlier(given, attempt)
        changed, failed = _unequal(
            keys if isinstance(keys, Column) else Column(np.array(keys.items(), object)), earlier
        )
        check(
            given.with_items(Rows(None, (), (earlier, keys))),
            None if failed is None else failed & (before > 0),
            lambda pair: bool(pair[1] != pair[0]),
            self.path,
            is_certain=False,
        )
        kept = changed | (before == 0)
        return flow if kept.all() else flow.where(kept)


def _unequal(keys: Column, earlier: Column) -> tuple[Mask, Mask | None]:
    if keys.values.dtype != object and keys.values.dtype == earlier.values.dtype:
        changed: Mask = keys.values != earlier.values
        if keys.missing is None and earlier.missing is None:
            return changed, None
        nothing = [
            np.zeros(len(keys), np.bool_) if column.missing is None else column.missing for column in (keys, earlier)
        ]
        return np.where(nothing[0] | nothing[1], nothing[0] != nothing[1], changed), None
    answers, failed = [], []
    for key, previous in zip(keys.items(), earlier.items(), strict=True):
        try:
            answers.append(bool(key != previous))
            failed.append(False)
        except KeyboardInterrupt:
            raise
        except BaseException:  # noqa: BLE001  the comparison of the user's values
            answers.append(False)
            failed.append(True)
    return np.array(answers, np.bool_), np.array(failed, np.bool_) if any(failed) else None
