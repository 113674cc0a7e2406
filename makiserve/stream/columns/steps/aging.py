"""`group_by` with a `ttl` in columns: each life of a group has its own row.

A group that was idle for too long begins again with its next item, in a new row, so that the items of a batch before
and after are in different segments. As in the row engine, the groups are searched for idle ones at certain items, the
sweeps: a group that is idle then is removed, and if its key comes back, it is the last of all groups.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from makiserve.stream.columns.attempt import Attempt
from makiserve.stream.columns.column import Array, Mask
from makiserve.stream.columns.event_times import EventTimes, latest_times
from makiserve.stream.columns.flow import Flow
from makiserve.stream.columns.group_table import TOP, Table
from makiserve.stream.columns.steps.grouping import GroupByStep
from makiserve.stream.columns.steps.step import Chain, ScopeLayout
from makiserve.stream.columns.store import Store, numbers
from makiserve.stream.engine.groups import SWEEPS_A_TTL
from makiserve.stream.engine.stage import State


class Sweeps(NamedTuple):
    """The items of a batch at which idle groups are searched for.

    Attributes:
        at: their indexes, ascending.
        horizons: for each of them the time since which a group must have been seen.
    """

    at: Array
    horizons: Array

    def between(self, after: Array, until: Array) -> tuple[Mask, Array]:
        """Return whether there is a sweep after one item until another, and the horizon of the last one."""
        if not len(self.at):
            return np.zeros(len(after), np.bool_), after
        last = np.searchsorted(self.at, until, side="right") - 1
        return (last >= 0) & (self.at[last] > after), self.horizons[last]


class AgingGroupByStep(GroupByStep):
    """Runs a chain for each key, and forgets the groups that have had no item for some time.

    Args:
        path: its place in the pipeline.
        key_mapper: the key of an item.
        chain: the pipeline of the groups.
        layout: of their scope.
        outer: the layout of the enclosing scope.
        ttl_ms: how long a group is kept without items.
        time_mapper: the time of an item.
    """

    def __init__(
        self,
        path: str,
        key_mapper: Callable[[Any], Any],
        chain: Chain,
        layout: ScopeLayout,
        outer: ScopeLayout,
        ttl_ms: int,
        time_mapper: Callable[[Any], Any],
    ) -> None:
        super().__init__(path, key_mapper, chain, layout)
        self._ttl_ms, self._times = ttl_ms, EventTimes(time_mapper)
        self._seen = layout.store(path, lambda: Store(numbers(np.int64)))
        self._clock = outer.store(path, lambda: Store(_clock))

    @property
    def reason(self) -> str | None:
        return self._key.reason or self._times.reason

    def _rows(self, flow: Flow, names: Sequence[Any], attempt: Attempt) -> Array:
        times = self._times.of(flow, self.path, is_certain=self.is_certain)
        now, sweeps = self._advance(flow, times, attempt)
        table, seen = attempt.tables[self.table], self._seen.of(attempt.tables).arrays[0]
        lives = _Lives(table, seen, self._entries(flow, names), now, self._ttl_ms)
        attempt.ended(abandoned=partial(table.give_back, lives.new))
        attempt.write(self._seen.of(attempt.tables), *lives.last_seen)
        swept = dict(zip(self._parents(flow)[sweeps.at].tolist(), sweeps.horizons.tolist(), strict=True))
        attempt.ended(committed=lambda: self._replace(attempt.tables, lives, lives.inserted(sweeps, flow), swept))
        return lives.rows

    def _entries(self, flow: Flow, names: Sequence[Any]) -> list[tuple[int, Any]]:
        return list(zip(self._parents(flow).tolist() if self.is_nested else [TOP] * len(names), names, strict=True))

    def _advance(self, flow: Flow, times: Array, attempt: Attempt) -> tuple[Array, Sweeps]:
        """Return the time at each item, and the sweeps; the clock advances."""
        clock, segments = self._clock.of(attempt.tables), flow.segments
        latest, following, is_known = clock.get(flow.rows)
        now = latest_times(times, segments, latest, is_known)
        ends = segments.starts + segments.lengths
        at: list[int] = []
        for segment in np.flatnonzero(~is_known | (now[ends - 1] >= following)).tolist():
            start, end = int(segments.starts[segment]), int(ends[segment])
            due = start if not is_known[segment] else start + int(np.searchsorted(now[start:end], following[segment]))
            while due < end:
                at.append(due)
                following[segment] = now[due] + max(1, self._ttl_ms // SWEEPS_A_TTL)
                due = start + int(np.searchsorted(now[start:end], following[segment]))
        attempt.write(clock, flow.rows, (now[ends - 1], following, np.ones(len(ends), np.bool_)))
        swept = np.array(at, np.int64)
        return now, Sweeps(swept, now[swept] - self._ttl_ms)

    def _replace(
        self, tables: Sequence[Table], lives: _Lives, inserted: Sequence[tuple[int, Any]], swept: dict[int, int]
    ) -> None:
        """Put the rows of new lives in place of those of earlier ones, and remove idle groups."""
        table, seen = tables[self.table], self._seen.of(tables).arrays[0]
        gone = lives.ended
        for parent, key in inserted:
            table.members.setdefault(parent, {}).pop(key, None)
        for (parent, key), row in lives.begun(inserted):
            table.put(parent, key, row)
        for parent, horizon in swept.items():
            inside = table.members.get(parent, {})
            idle = [key for key, row in inside.items() if seen[row] < horizon]
            gone += [inside.pop(key) for key in idle]
            if not self.is_nested:
                table.note_removed(idle)
        if gone:
            self.release(tables, gone)
            table.release(gone)

    def slots(self, tables: Sequence[Any], row: int, state: State, *, is_tracked: bool = False) -> list[Any]:
        latest, following, is_known = (array[row].item() for array in self._clock.of(tables).arrays)
        clock = [latest, following] if is_known else [None, None]
        return [*super().slots(tables, row, state, is_tracked=is_tracked), *clock]

    def group_state(self, tables: Sequence[Any], row: int, parent: State) -> State:
        return [*super().group_state(tables, row, parent), int(self._seen.of(tables).arrays[0][row])]


class _Lives:
    """The lives of the groups of a batch.

    Args:
        table: the groups before the batch.
        seen: by row, when a group was last seen.
        entries: for each item the row of the enclosing scope, and the key.
        now: the time at each item.
        ttl_ms: how long a group is kept without items.

    Attributes:
        new: the rows of lives that begin in the batch.
        rows: for each item the row of its group.
    """

    def __init__(self, table: Table, seen: Array, entries: Sequence[tuple[int, Any]], now: Array, ttl_ms: int) -> None:
        self._entries = entries
        numbers = {entry: number for number, entry in enumerate(dict.fromkeys(entries))}
        self._held = np.array([table.members.get(parent, {}).get(key, -1) for parent, key in numbers], np.int64)
        codes = np.fromiter(map(numbers.__getitem__, entries), np.int64, len(entries))
        self._order = np.argsort(codes, kind="stable")
        self._codes, self._now = codes[self._order], now[self._order]
        self._is_first = np.diff(self._codes, prepend=-1) != 0
        held = self._held[self._codes]
        self._is_new = self._is_first & (held < 0)
        self._before = np.where(self._is_first, seen[held] if len(seen) else 0, np.roll(self._now, 1))
        begins = self._is_new | (self._before < self._now - ttl_ms)
        self.new = table.allocate(int(begins.sum()))
        begun = np.cumsum(begins)
        is_held = begun == (begun - begins)[self._is_first][self._codes]  # no new life of this group so far
        self._rows = np.where(is_held, held, np.array([*self.new, -1], np.int64)[begun - 1])
        self.rows = np.empty_like(self._rows)
        self.rows[self._order] = self._rows

    @property
    def last_seen(self) -> tuple[Array, tuple[Array]]:
        """The rows, and when each was last seen."""
        ends = np.flatnonzero(np.diff(self._rows, append=-1))
        return self._rows[ends], (self._now[ends],)

    @property
    def ended(self) -> list[int]:
        """The rows of lives that have ended because another has begun."""
        last = self._rows[self._last]
        rows = np.concatenate((self._held[self._held >= 0], np.array(self.new, np.int64)))
        ended: list[int] = np.setdiff1d(rows, last).tolist()
        return ended

    def inserted(self, sweeps: Sweeps, flow: Flow) -> list[tuple[int, Any]]:
        """Return the groups that become the last ones, in order: new ones, and those removed and begun again."""
        starts = flow.segments.starts[flow.segments.segment_of][self._order]
        after = np.where(self._is_first, starts - 1, np.roll(self._order, 1))
        is_swept, horizons = sweeps.between(after, self._order)
        items = self._order[self._is_new | (is_swept & (self._before < horizons))]
        last_first = dict.fromkeys(self._entries[item] for item in sorted(items.tolist(), reverse=True))
        return list(last_first)[::-1]

    def begun(self, inserted: Sequence[tuple[int, Any]]) -> list[tuple[tuple[int, Any], int]]:
        """Return the row of each group, those that were inserted in their order."""
        entries = [self._entries[item] for item in self._order[self._last].tolist()]
        rows = dict(zip(entries, self._rows[self._last].tolist(), strict=True))
        return [*((entry, rows.pop(entry)) for entry in inserted), *rows.items()]

    @property
    def _last(self) -> Array:
        """The last item of each group, in the order by group."""
        return np.flatnonzero(np.append(self._is_first[1:], True))


def _clock(count: int) -> tuple[Array, ...]:
    """Return the latest time, the time of the next sweep, and whether there has been an item."""
    return np.zeros(count, np.int64), np.zeros(count, np.int64), np.zeros(count, np.bool_)
