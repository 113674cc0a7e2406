"""`group_by` in columns: the items of a batch are sorted by the row of their group."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from makiserve.stream.columns.attempt import Attempt, Unrepresentable, check, run_numbered
from makiserve.stream.columns.column import Array, Column, Items, Mask, objects
from makiserve.stream.columns.dictionary_column import DictionaryColumn, as_dictionary
from makiserve.stream.columns.expressions.column_function import column_function
from makiserve.stream.columns.flow import Flow
from makiserve.stream.columns.group_table import Table
from makiserve.stream.columns.items import ColumnItems
from makiserve.stream.columns.segments import Segments, stable_order
from makiserve.stream.columns.steps.step import Chain, ScopeLayout, Step
from makiserve.stream.engine.keeper import unwrapped
from makiserve.stream.engine.key import new_key
from makiserve.stream.engine.stage import State

SMALL = 1000
"""Length of a text or of bytes that is certainly small enough for a key."""


class GroupByStep(Step):
    """Runs a chain for each key.

    Args:
        path: its place in the pipeline.
        key_mapper: the key of an item.
        chain: the pipeline of the groups.
        layout: of their scope.

    Attributes:
        table: the number of the table that holds their state.
        is_nested: whether they are inside other groups.
        inside: the steps that keep groups inside these groups.
    """

    is_stateful = True

    def __init__(self, path: str, key_mapper: Callable[[Any], Any], chain: Chain, layout: ScopeLayout) -> None:
        super().__init__(path)
        self._call, self._key, self.chain = unwrapped(key_mapper), column_function(key_mapper), chain
        self.table, self.is_nested = layout.number, layout.parent != 0
        self.inside = [step for step in chain.walk() if isinstance(step, GroupByStep)]
        self.inside = [step for step in self.inside if not any(step in other.inside for other in self.inside)]

    @property
    def reason(self) -> str | None:
        return self._key.reason

    def chains(self) -> Iterator[Chain]:
        yield self.chain

    def run(self, flow: Flow, attempt: Attempt) -> Flow:
        if (flow.at[1:] == flow.at[:-1]).any():  # records that have caused several items
            emitted = run_numbered(self._run, flow, attempt)
            return flow.emitted(emitted.at, emitted.items)
        return self._run(flow, attempt)

    def _run(self, flow: Flow, attempt: Attempt) -> Flow:
        keys, failed = attempt.evaluate(self._key, flow)
        check(flow, failed, self._call, self.path, is_certain=self.is_certain)
        table = attempt.tables[self.table]
        names, failed = _names(keys, ()) if self.is_nested else _distinct_names(keys, table.index)
        check(flow, failed, self._check_key, self.path, is_certain=self.is_certain)
        rows = self._rows(flow, names, attempt)
        given = flow
        if not self.is_nested:
            attempt.touch(table, rows)
            attempt.keyed.append((names, flow.at))
            flow, rows = self._without_foreign(flow, rows, table, attempt)
            if not len(flow):
                return flow
        grouped = sort_by_row(flow, rows)
        try:
            return _in_order(self.chain.run(grouped, attempt), grouped, flow, rows)
        except Unrepresentable as odd:
            odd.keys = list(
                dict.fromkeys(name for name, at in zip(names, given.at.tolist(), strict=True) if at in odd.records)
            )
            raise

    def _rows(self, flow: Flow, names: Sequence[Any], attempt: Attempt) -> Array:
        """Return the row of each item's group."""
        table = attempt.tables[self.table]
        if isinstance(names, ColumnItems) and isinstance(names.column, DictionaryColumn):
            rows: Array = attempt.find(table, names.column.dictionary.tolist())[names.column.codes]
            return rows
        return attempt.find(table, names, self._parents(flow) if self.is_nested else None)

    @staticmethod
    def _parents(flow: Flow) -> Array:
        """Return for each item the row of the enclosing scope."""
        parents: Array = flow.rows[flow.segments.segment_of]
        return parents

    def _check_key(self, item: Any) -> None:
        key = self._call(item)
        hash(key)
        new_key(key)

    def _without_foreign(self, flow: Flow, rows: Any, table: Table, attempt: Attempt) -> tuple[Flow, Any]:
        foreign = table.is_foreign[rows]
        if not foreign.any():
            return flow, rows
        attempt.foreign.append(flow.at[foreign])
        return flow.where(~foreign), rows[~foreign]

    def release(self, tables: Sequence[Table], rows: Iterable[int]) -> None:
        """Remove what is inside these groups, whose state is not needed any more."""
        for step in self.inside:
            table = tables[step.table]
            gone = [at for row in rows for at in table.members.pop(row, {}).values()]
            step.release(tables, gone)
            table.release(gone)

    def slots(self, tables: Sequence[Any], row: int, state: State, *, is_tracked: bool = False) -> list[Any]:
        members = tables[self.table].members.get(row, {})
        groups = {key: self.group_state(tables, at, state) for key, at in members.items()}
        # every group counts as used, since a checkpoint holds them in the form of the columns
        return [set(groups), groups] if is_tracked else [groups]

    def group_state(self, tables: Sequence[Any], row: int, parent: State) -> State:
        """Return the state of a group as the row engine would hold it."""
        group: State = [parent]
        group += self.chain.slots(tables, row, group)
        return group


def sort_by_row(flow: Flow, rows: Array) -> Flow:
    """Return the items sorted by the row of their group, those of each group in order."""
    order = stable_order(rows)
    in_order = rows[order]
    first = np.flatnonzero(np.concatenate(([True], in_order[1:] != in_order[:-1])))
    lengths = np.diff(np.append(first, len(rows)))
    return Flow(flow.items.take(order), flow.at[order], Segments(lengths), in_order[first])


def _in_order(emitted: Flow, grouped: Flow, outer: Flow, rows: Array) -> Flow:
    """Return what groups emitted in the order of the records, in the segments of the enclosing scope.

    Args:
        emitted: what they emitted.
        grouped: what they were given.
        outer: the same items, in the enclosing scope.
        rows: for each of these the row of its group.
    """
    if not len(emitted):
        return emitted
    if len(outer.rows) == 1:
        order = stable_order(emitted.at)
        return Flow(emitted.items.take(order), emitted.at[order], Segments(np.array([len(order)])), outer.rows)
    # a group is inside one enclosing scope, that of any of its items
    enclosing = np.empty(len(grouped.rows), np.int64)
    enclosing[np.searchsorted(grouped.rows, rows)] = outer.segments.segment_of
    segment = enclosing[np.searchsorted(grouped.rows, emitted.rows)][emitted.segments.segment_of]
    order = np.lexsort((emitted.at, segment))
    lengths = np.bincount(segment, minlength=len(outer.rows))
    left = np.flatnonzero(lengths)
    return Flow(emitted.items.take(order), emitted.at[order], Segments(lengths[left]), outer.rows[left])


def _distinct_names(keys: Items, known: Collection[Any]) -> tuple[Sequence[Any], Mask | None]:
    """Return what `_names` returns, with a dictionary in the order of the groups if the keys have one."""
    column = as_dictionary(keys)
    if column is None:
        return _names(keys, known)
    column = column.compact()
    names, failed = _names(Column(column.dictionary), known)
    named = DictionaryColumn(column.codes, objects(names).values)
    return ColumnItems(named), None if failed is None else failed[column.codes]


def _names(keys: Items, known: Collection[Any]) -> tuple[list[Any], Mask | None]:
    """Return the keys under which groups are stored, and which items have none.

    Args:
        keys: the keys of the items.
        known: keys of groups that exist; they need no check.
    """
    names = keys.items()
    if all(map(_is_plain, set(map(type, names)))) and all(map(_is_small, set(names).difference(known))):
        return names, None
    failed = np.zeros(len(names), np.bool_)
    new_keys: dict[Any, Any] = {}
    for at, key in enumerate(names):
        try:
            if key not in known:
                names[at] = new_keys[key] if key in new_keys else new_keys.setdefault(key, new_key(key))
        except (TypeError, ValueError):  # it cannot be hashed, or is too large
            failed[at] = True
    return names, failed if failed.any() else None


def _is_plain(kind: type) -> bool:
    return kind in (str, int, bool, bytes, type(None))


def _is_small(key: Any) -> bool:
    if type(key) is str:
        return len(key) < SMALL and key.isascii()
    return len(key) < SMALL if type(key) is bytes else type(key) is not int or -(2**63) <= key < 2**63
