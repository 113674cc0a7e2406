"""`roll_time` and `roll_calendar` in columns: windows that begin at fixed times.

A group's state is its latest time, the number of its late items, and a list of its panes: their numbers, and a partial
result of each reduction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from makiserve.stream.columns.attempt import Attempt, check, run_numbered
from makiserve.stream.columns.column import Array, Items, Mask, join
from makiserve.stream.columns.event_times import EventTimes, latest_times
from makiserve.stream.columns.flow import Flow
from makiserve.stream.columns.hopping_windows import closing, panes
from makiserve.stream.columns.list_store import ListStore
from makiserve.stream.columns.spans import HoppingSpans, Numbers
from makiserve.stream.columns.steps.folding import FoldStore
from makiserve.stream.columns.steps.pane_results import PaneResults
from makiserve.stream.columns.steps.pane_states import pane_contents
from makiserve.stream.columns.steps.reductions import Bound, Join, ReducingStep, Values, WindowReduction
from makiserve.stream.columns.steps.step import Chain, ScopeLayout
from makiserve.stream.columns.store import ItemStore, Store, numbers
from makiserve.stream.engine.stage import State


class TimeWindowsStep(ReducingStep):
    """Emits what a pipeline makes of each window, with the item that closes it.

    Args:
        path: its place in the pipeline.
        layout: of the scope.
        spans: the bounds of the windows.
        time_mapper: the time of an item.
        values: what the reductions of a window reduce.
        tree: the reductions, and how their results are joined.
        late: the pipeline for late items; None drops them.
    """

    def __init__(
        self,
        path: str,
        layout: ScopeLayout,
        spans: HoppingSpans,
        time_mapper: Callable[[Any], Any],
        values: Sequence[Values],
        tree: WindowReduction | Join,
        late: Chain | None,
    ) -> None:
        super().__init__(path, values, tree)
        self._spans, self._times, self._late = spans, EventTimes(time_mapper), late
        self._panes = layout.store(path, self._new_panes)
        self._clock = layout.store(path, lambda: Store(_clock))

    def _new_panes(self) -> ListStore:
        stores = [ItemStore() if isinstance(leaf.node, Bound) else FoldStore(leaf.node) for leaf in self.leaves]
        return ListStore([Store(numbers(np.int64)), *stores])

    @property
    def reason(self) -> str | None:
        return self._times.reason

    def chains(self) -> Iterator[Chain]:
        yield from super().chains()
        if self._late:
            yield self._late

    @property
    def in_layout(self) -> tuple[Chain, ...]:
        return (self._late,) if self._late else ()

    def run(self, flow: Flow, attempt: Attempt) -> Flow:
        if not self._late:
            return self._run(flow, attempt)
        emitted = run_numbered(self._run, flow, attempt)
        return flow.emitted(emitted.at, emitted.items)

    def _run(self, flow: Flow, attempt: Attempt) -> Flow:
        given, times = self._times.read(flow, self.path, is_certain=self.is_certain)
        clock, segments = self._clock.of(attempt.tables), flow.segments
        newest, late, is_known = clock.get(flow.rows)
        newest = np.where(is_known, newest, times[segments.starts])
        now = latest_times(times, segments, newest, is_known)
        position = self._checked(flow, self._spans.position(times), is_certain=self.is_certain)
        closed = self._checked(flow, self._spans.closed(now), is_certain=False)
        before, _ = self._spans.closed(newest)
        is_open, has_window = self._spans.last(position) > closed, self._spans.has_window(position)
        results = self._added(flow, attempt, given, self._spans.pane(position), is_open & has_window, closed)
        is_late = ~is_open & has_window
        ends = segments.starts + segments.lengths - 1
        late = late + np.bincount(segments.segment_of[is_late], minlength=len(late))
        attempt.write(clock, flow.rows, (now[ends], late, np.ones_like(is_known)))
        results.closing = closing(results.panes, self._spans, segments, before, closed)
        emitted = results.emitted(self.tree) if len(results.closing.at) else flow.where(np.zeros(len(flow), np.bool_))
        return self._with_late(flow, emitted, is_late, attempt)

    def _checked(self, flow: Flow, time_numbers: Numbers, *, is_certain: bool) -> Array:
        """Return numbers of times, all of which have one."""
        values, failed = time_numbers
        check(flow, failed, lambda item: self._spans.check(self._times.ms_of(item)), self.path, is_certain=is_certain)
        return values

    def _added(
        self, flow: Flow, attempt: Attempt, given: Items, pane: Array, is_added: Mask, closed: Array
    ) -> PaneResults:
        """Add items to their panes, and note the panes that windows need after the last ones that are closed."""
        lists: ListStore = self._panes.of(attempt.tables)
        places, at, segments = lists.places(flow.rows), np.flatnonzero(is_added), flow.segments
        (kept,) = lists.columns[0].get(places)
        kept_in = np.repeat(np.arange(len(flow.rows)), lists.lengths(flow.rows))
        results = PaneResults(
            flow, attempt, panes((kept_in, kept), (segments.segment_of[at], pane[at]), at), places, self._spans
        )
        number, segment = results.panes.number, results.panes.segment
        is_needed = self._spans.last_of(number) > closed[segments.starts + segments.lengths - 1][segment]
        content: list[Any] = [(number[is_needed],)]
        added = flow.where(is_added)
        for leaf, store in zip(self.leaves, lists.columns[1:], strict=True):
            if isinstance(store, FoldStore):
                content.append([array[is_needed] for array in results.add(leaf, self.values, store, added)])
            elif isinstance(store, ItemStore):
                content.append(store.content(results.add_times(given.take(at), store).take(is_needed)))
        attempt.write(lists, flow.rows, [np.bincount(segment[is_needed], minlength=len(flow.rows)), *content])
        return results

    def _with_late(self, flow: Flow, emitted: Flow, is_late: Mask, attempt: Attempt) -> Flow:
        """Return what windows and late items emit, in the order of the items; `flow` is numbered."""
        if not self._late or not is_late.any():
            return emitted
        late = self._late.run(flow.where(is_late), attempt)
        given = [part for part in (emitted, late) if len(part)]
        if len(given) < 2:
            return given[0] if given else emitted
        causes = np.concatenate([part.at for part in given])
        order = np.argsort(causes, kind="stable")
        return flow.emitted(causes[order], join([part.items for part in given]).take(order))

    def slots(self, tables: Sequence[Any], row: int, state: State, *, is_tracked: bool = False) -> list[Any]:
        lists: ListStore = self._panes.of(tables)
        places = lists.places(np.array([row]))
        (number,) = lists.columns[0].get(places)
        newest, late, is_known = (array[row].item() for array in self._clock.of(tables).arrays)
        contents = pane_contents(self.tree, [_plain(store, places) for store in lists.columns[1:]], state)
        late_slots = self._late.slots(tables, row, state, is_tracked=is_tracked) if self._late else []
        kept = dict(zip(number.tolist(), contents, strict=True))
        return [kept, (), newest if is_known else None, late, *late_slots]  # the row engine removes windows that fail


def _plain(store: Store, places: Array) -> list[Any]:
    """Return partial results, or the times of first items, as the row engine has them."""
    if isinstance(store, ItemStore):
        return store.at(places).items()
    assert isinstance(store, FoldStore)  # noqa: S101  the only other kind
    return store.fold.plain(store.get(places)) if store.fold else []


def _clock(count: int) -> tuple[Array, ...]:
    """Return the latest time, the number of late items, and whether there is a time."""
    return np.zeros(count, np.int64), np.zeros(count, np.int64), np.zeros(count, np.bool_)
