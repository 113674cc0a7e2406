"""`as_of` in columns: the values of all groups that become visible in a batch are found at once.

A group's state is its latest visible value, and a list of those that are not known yet, in the order of their times.
Times are float64; a group with others moves to the row engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from makiserve.stream.columns.attempt import Attempt, check, check_representable
from makiserve.stream.columns.column import Array, Column, Items, column_of, join, objects
from makiserve.stream.columns.expressions.column_function import column_function
from makiserve.stream.columns.flow import Flow
from makiserve.stream.columns.folds.fold import without
from makiserve.stream.columns.list_store import ListStore
from makiserve.stream.columns.steps.step import ScopeLayout, Step
from makiserve.stream.columns.store import ItemStore, Store, numbers
from makiserve.stream.columns.visible import in_order, instants_of, latest_visible, visible_at
from makiserve.stream.data.as_of import AsOf, AsOfState
from makiserve.stream.engine.keeper import unwrapped
from makiserve.stream.engine.stage import State


class AsOfStep(Step):
    """Emits the latest value of earlier items that was known at the time of each item.

    Args:
        path: its place in the pipeline.
        layout: of the scope.
        operator: the operator, whose functions may be keepers.
    """

    is_stateful = True

    def __init__(self, path: str, layout: ScopeLayout, operator: AsOf) -> None:
        super().__init__(path)
        self._time, self._known_at = column_function(operator.time_mapper), column_function(operator.known_at)
        self._value = column_function(operator.value) if operator.value else None
        self._default = operator.default
        plain = replace(
            operator,
            time_mapper=unwrapped(operator.time_mapper),
            known_at=unwrapped(operator.known_at),
            value=unwrapped(operator.value) if operator.value else None,
        )
        self._read_one = plain.read
        self._known = layout.store(path, lambda: Store(numbers(np.float64, np.nan)))
        self._latest = layout.store(path, ItemStore)
        self._pending = layout.store(path, lambda: ListStore([Store(numbers(np.float64)), ItemStore()]))
        self._marks = layout.store(path, lambda: Store(numbers(np.int64)))

    @property
    def reason(self) -> str | None:
        functions = [self._time, self._known_at, *([self._value] if self._value else [])]
        return next((function.reason for function in functions if function.reason), None)

    def run(self, flow: Flow, attempt: Attempt) -> Flow:
        new, segments = self._read(flow, attempt), flow.segments
        held = self._held(attempt.tables, flow.rows)
        segment_of = np.concatenate((held.segment_of, segments.segment_of[new.valued]))
        first = np.concatenate((segments.starts[held.segment_of], new.valued + 1))
        known_at = np.concatenate((held.known_at, new.known_at))
        values = _joined([*held.values, new.values])
        at = first.copy()
        rest = slice(held.latest, None)
        at[rest] = visible_at(new.times, segments, segment_of[rest], first[rest], known_at[rest])
        ends = segments.starts + segments.lengths
        is_visible = at < ends[segment_of]
        visible = np.flatnonzero(is_visible)
        emitted = np.append(visible, -1)[latest_visible(segments, at[visible], known_at[visible])]
        waiting = np.flatnonzero(~is_visible)
        waiting = waiting[in_order(segment_of[waiting], known_at[waiting])]
        self._write_latest(flow, attempt, emitted[ends - 1], held.latest, known_at, values)
        self._write_pending(flow, attempt, segment_of[waiting], known_at[waiting], values.take(waiting))
        marks = self._marks.of(attempt.tables)
        if marks.get(flow.rows)[0].any():
            attempt.write(marks, flow.rows, (np.zeros(len(flow.rows), np.int64),))
        return flow.with_items(self._or_default(values, emitted))

    def _read(self, flow: Flow, attempt: Attempt) -> _New:
        """Return the times and values of the items.

        Raises:
            RecordsFailed: a function raises, or what it returns is not a time.
            Unrepresentable: a float cannot hold a time.
        """
        given, failed = attempt.evaluate(self._time, flow)
        times = instants_of(given)
        given, known_failed = attempt.evaluate(self._known_at, flow)
        known = instants_of(given)
        has_value = ~known.is_absent
        is_wrong = times.is_odd | times.is_absent | ~np.isfinite(times.numbers) & ~times.is_large
        is_wrong |= has_value & (known.is_odd | np.isnan(known.numbers) | (times.is_datetime != known.is_datetime))
        for mask in (failed, known_failed):
            is_wrong |= False if mask is None else mask
        check(flow, is_wrong, self._read_one, self.path, is_certain=self.is_certain)
        check_representable(flow, times.is_large | has_value & known.is_large)
        with_value, valued = np.flatnonzero(has_value), flow if has_value.all() else flow.where(has_value)
        values: Items = valued.items
        if self._value is not None and len(with_value):
            values, failed = attempt.evaluate(self._value, valued)
            check(valued, failed, self._read_one, self.path, is_certain=self.is_certain)
        is_known = np.flatnonzero(known.numbers[with_value] < np.inf)
        with_value = with_value[is_known]
        return _New(times.numbers, with_value, known.numbers[with_value], values.take(is_known))

    def _held(self, tables: Sequence[Any], rows: Array) -> _Held:
        """Return what these groups hold."""
        (known,) = self._known.of(tables).get(rows)
        with_latest = np.flatnonzero(~np.isnan(known))
        lists: ListStore = self._pending.of(tables)
        places, pending = lists.places(rows), lists.columns[1]
        assert isinstance(pending, ItemStore)  # noqa: S101  what it was made of
        lengths = lists.lengths(rows)
        (waiting,) = lists.columns[0].get(places)
        return _Held(
            len(with_latest),
            np.concatenate((with_latest, np.repeat(np.arange(len(rows)), lengths))),
            np.concatenate((known[with_latest], waiting)),
            (self._latest.of(tables).at(rows[with_latest]), pending.at(places)),
        )

    def _write_latest(
        self, flow: Flow, attempt: Attempt, last: Array, before: int, known_at: Array, values: Column
    ) -> None:
        """Note the latest values after the batch, those of the last items, if they are new."""
        changed = np.flatnonzero(last >= before)
        if not len(changed):
            return
        rows, chosen, latest = flow.rows[changed], last[changed], self._latest.of(attempt.tables)
        attempt.write(self._known.of(attempt.tables), rows, (known_at[chosen],))
        attempt.write(latest, rows, latest.content(latest.accept(values.take(chosen))))

    def _write_pending(self, flow: Flow, attempt: Attempt, segment_of: Array, known_at: Array, values: Column) -> None:
        """Note the values that are not visible after the batch."""
        lists: ListStore = self._pending.of(attempt.tables)
        lengths = np.bincount(segment_of, minlength=len(flow.rows))
        changed = np.flatnonzero((lengths > 0) | (lists.lengths(flow.rows) > 0))
        content: list[Any] = [lengths[changed], (known_at,), _content(lists, values)]
        attempt.write(lists, flow.rows[changed], content)

    def _or_default(self, values: Column, at: Array) -> Column:
        """Return the values at these indexes; the default for -1."""
        is_default = at < 0
        if not is_default.any():
            return values.take(at)
        if is_default.all():
            return column_of([self._default]).take(np.zeros(len(at), np.int64))
        if self._default is None:
            return without(values.take(np.maximum(at, 0)), is_default)
        joined = _joined([values, column_of([self._default])])
        return joined.take(np.where(is_default, len(values), at))

    def note_failure(self, tables: Sequence[Any], row: int, contents: AsOfState) -> None:
        """Note that an item of a group has failed with its latest value; the second time, the value is not there."""
        self._marks.of(tables).arrays[0][row] = contents.failures
        if contents.latest is None:
            self._known.of(tables).arrays[0][row] = np.nan
        rows, lists = np.array([row]), self._pending.of(tables)
        places = lists.places(rows)
        (known_at,) = lists.columns[0].get(places)
        is_left = np.isin(known_at, [time for time, _ in contents.pending])
        if not is_left.all():
            values = _content(lists, lists.columns[1].at(places[is_left]))
            lists.put(rows, [np.array([is_left.sum()]), (known_at[is_left],), values])

    def slots(self, tables: Sequence[Any], row: int, state: State, *, is_tracked: bool = False) -> list[Any]:
        held = self._held(tables, np.array([row]))
        latest, pending = (column.items() for column in held.values)
        known = held.known_at.tolist()
        mark = int(self._marks.of(tables).arrays[0][row])
        return [
            (known[0], latest[0]) if latest else None,
            tuple(zip(known[held.latest :], pending, strict=True)),
            mark,
        ]


class _New(NamedTuple):
    """The items of a batch.

    Attributes:
        times: the time of each item.
        valued: the items with a value.
        known_at: when it becomes known.
        values: the value.
    """

    times: Array
    valued: Array
    known_at: Array
    values: Items


class _Held(NamedTuple):
    """What groups hold: the latest values of those that have one, and then the pending values of each group.

    Attributes:
        latest: the number of latest values.
        segment_of: for each value the index of its group.
        known_at: when it has become known, or will.
        values: the latest values, and the pending ones.
    """

    latest: int
    segment_of: Array
    known_at: Array
    values: tuple[Column, Column]


def _joined(parts: Sequence[Items]) -> Column:
    """Return values one after the other; parts without values do not count for the type."""
    given = [part for part in parts if len(part)]
    joined = join(given) if given else parts[-1]
    return joined if isinstance(joined, Column) else objects(joined.items())


def _content(lists: ListStore, values: Column) -> tuple[Array, ...]:
    """Return the arrays of values for the store of lists."""
    store = lists.columns[1]
    assert isinstance(store, ItemStore)  # noqa: S101  what it was made of
    return store.content(store.accept(values)) if len(values) else store.get(slice(0, 0))
