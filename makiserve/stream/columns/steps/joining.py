"""`tee_map` in columns: each branch processes the same items, and what the branches emit is joined."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from makiserve.stream.columns.attempt import Attempt, run_numbered
from makiserve.stream.columns.column import Array, Column, Items, Rows, join, objects
from makiserve.stream.columns.flow import Flow
from makiserve.stream.columns.steps.step import Chain, ScopeLayout, Step
from makiserve.stream.columns.store import ItemStore, Store, numbers
from makiserve.stream.engine.scope import MISSING
from makiserve.stream.engine.stage import State


class TeeMapStep(Step):
    """Joins branches that emit together as tuples.

    Args:
        path: its place in the pipeline.
        branches: the branches.
        is_reversed: whether the row engine allocates the slots of the last branch first.
    """

    def __init__(self, path: str, branches: Sequence[Chain], *, is_reversed: bool) -> None:
        super().__init__(path)
        self.branches = tuple(branches)
        self._in_layout = self.branches[::-1] if is_reversed else self.branches
        self.is_stateful = any(step.is_stateful for chain in branches for step in chain.steps)

    def chains(self) -> Iterator[Chain]:
        yield from self.branches

    @property
    def in_layout(self) -> tuple[Chain, ...]:
        return self._in_layout

    def run(self, flow: Flow, attempt: Attempt) -> Flow:
        emitted = [chain.run(flow, attempt) for chain in self.branches]
        first = emitted[0]
        return first.with_items(Rows(None, (), tuple(branch.items for branch in emitted))) if len(first) else first

    def slots(self, tables: Sequence[Any], row: int, state: State, *, is_tracked: bool = False) -> list[Any]:
        slots = (chain.slots(tables, row, state, is_tracked=is_tracked) for chain in self.in_layout)
        return [content for contents in slots for content in contents]


class MergeStep(TeeMapStep):
    """Passes on what the branches emit: for each item in the order of the branches."""

    def run(self, flow: Flow, attempt: Attempt) -> Flow:
        emitted, causes = self._emitted(flow, attempt)
        if not any(map(len, causes)):
            return flow.where(np.zeros(len(flow), np.bool_))
        given = [branch.items for branch in emitted if len(branch)]
        order = np.argsort(np.concatenate(causes), kind="stable")
        return flow.emitted(np.concatenate(causes)[order], join(given).take(order))

    def _emitted(self, flow: Flow, attempt: Attempt) -> tuple[list[Flow], list[Array]]:
        """Return what the branches emit, and for each emitted item the index of the item that caused it."""
        emitted = [run_numbered(chain.run, flow, attempt) for chain in self.branches]
        return emitted, [branch.at for branch in emitted]


class ZipLongestStep(MergeStep):
    """Joins what the branches emit for the same item as tuples, with None for a branch that emits fewer items."""

    def run(self, flow: Flow, attempt: Attempt) -> Flow:
        emitted, causes = self._emitted(flow, attempt)
        ranks = [np.arange(len(cause)) - np.searchsorted(cause, cause) for cause in causes]
        most = 1 + max((int(rank.max()) for rank in ranks if len(rank)), default=0)
        places = [cause * most + rank for cause, rank in zip(causes, ranks, strict=True)]
        rows = _union(places, len(flow) * most)
        if not len(rows):
            return flow.where(np.zeros(len(flow), np.bool_))
        fields = tuple(
            _spread(branch.items, np.searchsorted(rows, place), len(rows))
            for branch, place in zip(emitted, places, strict=True)
        )
        return flow.emitted(rows // most, Rows(None, (), fields))


def _union(places: Sequence[Array], size: int) -> Array:
    """Return all places in order, each of them once; they are less than `size`."""
    if size > 16 * sum(map(len, places)):  # a mask would be almost empty
        return np.unique(np.concatenate(places))
    is_used = np.zeros(size, np.bool_)
    for place in places:
        is_used[place] = True
    return np.flatnonzero(is_used)


class ZipOnceStep(TeeMapStep):
    """Joins branches that emit once each, at their first item or at completion, as one tuple.

    Args:
        path: its place in the pipeline.
        layout: of the scope.
        branches: the branches.
        is_early: for each branch whether it emits at its first item.
    """

    def __init__(self, path: str, layout: ScopeLayout, branches: Sequence[Chain], is_early: Sequence[bool]) -> None:
        super().__init__(path, branches, is_reversed=True)
        self._waiting = [] if all(is_early) else [_Latest(path, layout) if early else None for early in is_early]

    def run(self, flow: Flow, attempt: Attempt) -> Flow:
        if not self._waiting:
            return super().run(flow, attempt)
        for chain, waiting in zip(self.branches, self._waiting, strict=True):
            emitted = chain.run(flow, attempt)
            if waiting and len(emitted):
                waiting.put(emitted, attempt)
        return flow.where(np.zeros(len(flow), np.bool_))

    def slots(self, tables: Sequence[Any], row: int, state: State, *, is_tracked: bool = False) -> list[Any]:
        held: list[Any] = [MISSING] * len(self.branches)
        for index, waiting in enumerate(self._waiting):
            if waiting and waiting.is_known(tables, row):
                held[index] = waiting.item(tables, row)
        filled = sum(1 << index for index, item in enumerate(held) if item is not MISSING)
        return [*held, filled, *super().slots(tables, row, state, is_tracked=is_tracked)]


class CombineLatestStep(MergeStep):
    """Emits, for each item that a branch emits, the latest items of all branches.

    Args:
        path: its place in the pipeline.
        layout: of the scope.
        branches: the branches.
    """

    def __init__(self, path: str, layout: ScopeLayout, branches: Sequence[Chain]) -> None:
        super().__init__(path, branches, is_reversed=True)
        self.is_stateful = True
        self._latest = [_Latest(path, layout) for _ in branches]

    def run(self, flow: Flow, attempt: Attempt) -> Flow:
        emitted, causes = self._emitted(flow, attempt)
        order = np.argsort(np.concatenate(causes), kind="stable")
        branch_of = np.repeat(np.arange(len(causes)), [len(cause) for cause in causes])[order]
        cause = np.concatenate(causes)[order]
        if not len(cause):
            return flow.where(np.zeros(len(flow), np.bool_))
        segment = flow.segments.segment_of[cause]
        fields = tuple(
            latest.advance(branch, np.flatnonzero(branch_of == number), segment, flow.rows, attempt)
            for number, (latest, branch) in enumerate(zip(self._latest, emitted, strict=True))
        )
        return flow.emitted(cause, Rows(None, (), fields))

    def slots(self, tables: Sequence[Any], row: int, state: State, *, is_tracked: bool = False) -> list[Any]:
        latest = [latest.item(tables, row) for latest in self._latest]
        return [*latest, *super().slots(tables, row, state, is_tracked=is_tracked)]


class _Latest:
    """The latest item of a branch, for each group."""

    def __init__(self, path: str, layout: ScopeLayout) -> None:
        self._item = layout.store(path, ItemStore)
        self._known = layout.store(path, lambda: Store(numbers(np.bool_, first=False)))

    def advance(self, branch: Flow, at: Array, segment: Array, rows: Array, attempt: Attempt) -> Items:
        """Return the latest item at each emission.

        Args:
            branch: what the branch has emitted.
            at: the index of each of these items among the emissions of all branches.
            segment: the segment of each emission.
            rows: the row of each segment.
            attempt: the current attempt at the batch.
        """
        store, known = self._item.of(attempt.tables), self._known.of(attempt.tables)
        column = store.accept(branch.items) if len(branch) else Column(store.arrays[0][:0, 0])
        held, held_missing = store.get(rows)
        (is_known,) = known.get(rows)
        if held.dtype == object:
            held[~is_known] = None  # it is 0 if the store was typed once
        position = np.zeros(len(segment), np.int64)  # 0 for what is held, n for the n-th item of the branch
        position[at] = np.arange(1, len(at) + 1)
        position = np.maximum.accumulate(position)
        first = np.concatenate(([0], at))  # the emission that is the n-th item
        is_held = (position == 0) | (segment[first[position]] != segment)
        source = np.where(is_held, segment, len(rows) + position - 1)
        none = ~is_known | held_missing[:, 0] if held_missing.size else ~is_known
        values = np.concatenate((held[:, 0], column.values))[source]
        if values.dtype == object:
            latest = Column(values)
        else:
            given = np.zeros(len(column), np.bool_) if column.missing is None else column.missing
            missing = np.concatenate((none, given))[source]
            latest = Column(values, missing if missing.any() else None)
        ends = np.flatnonzero(np.diff(segment, append=-1))
        after = latest.take(ends)
        ends_known = is_known[segment[ends]] | ~is_held[ends]
        missing_after = np.zeros((len(ends), held_missing.shape[1]), np.bool_)
        if after.missing is not None and missing_after.size:
            missing_after[:, 0] = after.missing
        attempt.write(store, rows[segment[ends]], (after.values[:, np.newaxis], missing_after))
        attempt.write(known, rows[segment[ends]], (ends_known,))
        return latest

    def put(self, emitted: Flow, attempt: Attempt) -> None:
        """Keep items, one for each segment."""
        store = self._item.of(attempt.tables)
        column = store.accept(emitted.items)
        missing = np.zeros((len(column), store.arrays[1].shape[1]), np.bool_)
        if column.missing is not None and missing.size:
            missing[:, 0] = column.missing
        attempt.write(store, emitted.rows, (column.values[:, np.newaxis], missing))
        attempt.write(self._known.of(attempt.tables), emitted.rows, (np.ones(len(column), np.bool_),))

    def is_known(self, tables: Sequence[Any], row: int) -> bool:
        """Return whether a group has an item."""
        return bool(self._known.of(tables).arrays[0][row])

    def item(self, tables: Sequence[Any], row: int) -> Any:
        """Return the latest item of a group; None if there is none."""
        return self._item.of(tables).row(row).items()[0] if self.is_known(tables, row) else None


def _spread(items: Items, at: Array, count: int) -> Items:
    """Return `count` items: these at their places, and None elsewhere."""
    if len(items) == count:
        return items
    column = items if isinstance(items, Column) else objects(items.items())
    if column.values.dtype == object:
        values = np.full(count, None, object)
        values[at] = column.values
        return Column(values)
    values, missing = np.zeros(count, column.values.dtype), np.ones(count, np.bool_)
    values[at] = column.values
    missing[at] = False if column.missing is None else column.missing
    return Column(values, missing)
