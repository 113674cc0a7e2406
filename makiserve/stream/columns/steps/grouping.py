"""`group_by` in columns: the items of a batch are sorted by the row of their group."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from makiserve.stream.columns.column import Items, Mask
from makiserve.stream.columns.expressions.function import column_function
from makiserve.stream.columns.flow import Flow
from makiserve.stream.columns.segments import Segments
from makiserve.stream.columns.steps.step import Chain, Step
from makiserve.stream.columns.table import Table
from makiserve.stream.columns.turn import Turn, Unrepresentable, check
from makiserve.stream.engine.key import new_key
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
        table = turn.tables[self.table]
        names, failed = _names(keys, table)
        check(flow, failed, self._check_key, self.path, is_certain=self.is_certain)
        rows = turn.find(table, names)
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

    def _check_key(self, item: Any) -> None:
        key = self._call(item)
        hash(key)
        new_key(key)

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


def _names(keys: Items, table: Table) -> tuple[list[Any], Mask | None]:
    """Return the keys under which groups are stored, and which items have none."""
    names, index = keys.items(), table.index
    if all(map(_is_plain, set(map(type, names)))):
        unknown = set(names) - index.keys()
        if not unknown:
            return names, None
    failed = np.zeros(len(names), np.bool_)
    found: dict[Any, Any] = {}
    for at, key in enumerate(names):
        try:
            if key not in index:
                names[at] = found[key] if key in found else found.setdefault(key, new_key(key))
        except (TypeError, ValueError):  # it cannot be hashed, or is too large
            failed[at] = True
    return names, failed if failed.any() else None


def _is_plain(kind: type) -> bool:
    return kind in (str, int, bool, bytes, type(None))
