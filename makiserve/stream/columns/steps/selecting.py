"""`first`, `take` and `distinct` in columns: steps that drop items."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from makiserve.stream.columns.attempt import Attempt, check, fail
from makiserve.stream.columns.expressions.column_function import column_function
from makiserve.stream.columns.flow import Flow
from makiserve.stream.columns.steps.step import ScopeLayout, Step
from makiserve.stream.columns.store import Store, numbers
from makiserve.stream.engine.key import same_key
from makiserve.stream.engine.stage import State


class FirstStep(Step):
    """Passes the first item of each group on."""

    is_stateful = True

    def __init__(self, path: str, layout: ScopeLayout) -> None:
        super().__init__(path)
        self._seen = layout.store(path, lambda: Store(numbers(np.bool_, first=False)))

    def run(self, flow: Flow, attempt: Attempt) -> Flow:
        store, segments = self._seen.of(attempt.tables), flow.segments
        (seen,) = store.get(flow.rows)
        attempt.write(store, flow.rows, (np.ones(len(seen), np.bool_),))
        return flow.where((segments.ranks == 0) & ~seen[segments.segment_of])

    def slots(self, tables: Sequence[Any], row: int, state: State, *, is_tracked: bool = False) -> list[Any]:
        return [bool(self._seen.of(tables).arrays[0][row])]


class TakeStep(Step):
    """Passes the first items of each group on."""

    is_stateful = True

    def __init__(self, path: str, layout: ScopeLayout, count: int) -> None:
        super().__init__(path)
        self._left = layout.store(path, lambda: Store(numbers(np.int64, first=count)))

    def run(self, flow: Flow, attempt: Attempt) -> Flow:
        store, segments = self._left.of(attempt.tables), flow.segments
        (left,) = store.get(flow.rows)
        attempt.write(store, flow.rows, (np.maximum(left - segments.lengths, 0),))
        return flow.where(segments.ranks < left[segments.segment_of])

    def slots(self, tables: Sequence[Any], row: int, state: State, *, is_tracked: bool = False) -> list[Any]:
        return [int(self._left.of(tables).arrays[0][row])]


class DistinctStep(Step):
    """Passes an item on unless one with an equal key has come before in its group."""

    is_stateful = True

    def __init__(self, path: str, layout: ScopeLayout, key_mapper: Callable[[Any], Any] | None) -> None:
        super().__init__(path)
        self._call = key_mapper
        self._key = column_function(key_mapper) if key_mapper else None
        self._seen = layout.store(path, lambda: Store(lambda count: (np.full(count, None, object),)))

    @property
    def reason(self) -> str | None:
        return self._key.reason if self._key else None

    def run(self, flow: Flow, attempt: Attempt) -> Flow:
        keys = flow.items
        if self._key and self._call:
            keys, failed = self._key.evaluate(flow.items)
            check(flow, failed, self._call, self.path, is_certain=self.is_certain)
        store = self._seen.of(attempt.tables)
        contents = store.arrays[0][flow.rows].tolist()
        seen = [_NOTHING if content is None else content for content in contents]
        added: list[dict[Any, None]] = [{} for _ in seen]
        kept: list[bool] = []
        try:
            for key, segment in zip(keys.items(), flow.segments.segment_of.tolist(), strict=True):
                kept.append(key not in seen[segment] and _is_new(key, seen[segment], added[segment]))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            at = len(kept)
            raise fail(int(flow.at[at]), error, self.path, flow.items.take([at]).items()[0]) from error
        attempt.ended(committed=partial(_add, store, flow.rows.tolist(), contents, added))
        return flow.where(np.array(kept, np.bool_))

    def slots(self, tables: Sequence[Any], row: int, state: State, *, is_tracked: bool = False) -> list[Any]:
        return [dict(self._seen.of(tables).arrays[0][row] or {})]


_NOTHING: dict[Any, None] = {}


def _is_new(key: Any, seen: dict[Any, None], added: dict[Any, None]) -> bool:
    """Return whether a key is new, and add it if it is."""
    if key not in added and (key := same_key(key)) not in seen and key not in added:
        added[key] = None
        return True
    return False


def _add(store: Store, rows: list[int], contents: list[dict[Any, None] | None], added: list[dict[Any, None]]) -> None:
    """Add keys to those that groups have seen."""
    for row, content, keys in zip(rows, contents, added, strict=True):
        if content is None:
            store.arrays[0][row] = keys
        elif keys:
            content.update(keys)
