"""`group_by` in columns: the items of a batch are sorted by the row of their group."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from makiserve.stream.columns.column import Column, Items, Mask
from makiserve.stream.columns.expressions.function import column_function
from makiserve.stream.columns.flow import Flow
from makiserve.stream.columns.segments import Segments
from makiserve.stream.columns.steps.step import Chain, Step
from makiserve.stream.columns.table import Table
from makiserve.stream.columns.turn import Turn, Unrepresentable, check
from makiserve.stream.engine.stage import State


class GroupByStep(Step):
    """Runs a chain for each key.

    Args:
        path: its place in the pipeline.
        key_mapper: the key of an item.
        chain: the pipeline of the groups.
        table: the number of the table that holds their state.
    """

    is_stateful = True

    def __init__(self, path: str, key_mapper: Callable[[Any], Any], chain: Chain, table: int) -> None:
        super().__init__(path)
        self._call, self._key, self.chain, self.table = key_mapper, column_function(key_mapper), chain, table

    @property
    def reason(self) -> str | None:
        return self._key.reason

    def chains(self) -> Iterator[Chain]:
        yield self.chain

    def run(self, flow: Flow, turn: Turn) -> Flow:
        keys, failed = self._key.evaluate(flow.items)
        check(flow, failed, self._call, self.path, is_certain=self.is_certain)
        names, table = _hashable(keys), turn.tables[self.table]
        try:
            rows = turn.find(table, names)
        except TypeError:
            check(flow, _unhashable(names), lambda item: hash(self._call(item)), self.path, is_certain=self.is_certain)
            raise
        turn.touch(table, rows)
        given = flow
        flow, rows = self._without_foreign(flow, rows, table, turn)
        if not len(flow):
            return flow
        outer, grouped = flow, sort_by_row(flow, rows)
        try:
            return _in_order(self.chain.run(grouped, turn), outer)
        except Unrepresentable as odd:
            odd.keys = list(
                dict.fromkeys(name for name, at in zip(names, given.at.tolist(), strict=True) if at in odd.records)
            )
            raise

    def _without_foreign(self, flow: Flow, rows: Any, table: Table, turn: Turn) -> tuple[Flow, Any]:
        foreign = table.is_foreign[rows]
        if not foreign.any():
            return flow, rows
        turn.foreign.append(flow.at[foreign])
        return flow.where(~foreign), rows[~foreign]

    def slots(self, tables: Sequence[Any], row: int, state: State, *, is_tracked: bool = False) -> list[Any]:
        table = tables[self.table]
        groups = {key: group_state(self.chain, tables, at, state) for key, at in table.index.items()}
        # every group counts as used, since a checkpoint holds them in the form of the columns
        return [set(groups), groups] if is_tracked else [groups]


def group_state(chain: Chain, tables: Sequence[Any], row: int, parent: State) -> State:
    """Return the state of a group as the row engine would hold it."""
    group: State = [parent]
    group += chain.slots(tables, row, group)
    return group


def sort_by_row(flow: Flow, rows: Any) -> Flow:
    """Return the items sorted by the row of their group, those of each group in order."""
    order = np.argsort(rows, kind="stable")
    in_order = rows[order]
    first = np.flatnonzero(np.concatenate(([True], in_order[1:] != in_order[:-1])))
    lengths = np.diff(np.append(first, len(rows)))
    return Flow(flow.items.take(order), flow.at[order], Segments(lengths), in_order[first])


def _in_order(grouped: Flow, outer: Flow) -> Flow:
    """Return what the groups emitted in the order of the records; `outer` is the flow that they were given."""
    if not len(grouped):
        return grouped
    order = np.argsort(grouped.at, kind="stable")
    # only a lane's scope contains groups: it is one segment
    return Flow(grouped.items.take(order), grouped.at[order], Segments(np.array([len(order)])), outer.rows)


def _hashable(keys: Items) -> list[Any]:
    """Return the keys; every NaN is the same object, so that a dict takes them for one key."""
    names = keys.items()
    if isinstance(keys, Column) and keys.values.dtype == np.float64 and np.isnan(keys.values).any():
        return [math.nan if key != key else key for key in names]
    return names


def _unhashable(keys: Sequence[Any]) -> Mask:
    def fails(key: Any) -> bool:
        try:
            hash(key)
        except TypeError:
            return True
        return False

    return np.fromiter(map(fails, keys), np.bool_, len(keys))
