"""`scan`, `forward_fill` and the like in columns: state of any Python type, one function call for each item."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from typing import Any

import numpy as np

from makiserve.stream.columns.attempt import Attempt, fail
from makiserve.stream.columns.column import column_of, objects
from makiserve.stream.columns.flow import Flow
from makiserve.stream.columns.steps.step import ScopeLayout, Step
from makiserve.stream.columns.store import Store
from makiserve.stream.engine.stage import State


class ScanStep(Step):
    """Accumulates items: `accumulated = accumulator(accumulated, item)`.

    Args:
        path: its place in the pipeline.
        layout: of the scope.
        make: returns the accumulated value before the first item.
        accumulator: returns a new value; it never changes the old one in place.
        is_silent: whether nothing is emitted before completion.
    """

    is_stateful = True

    def __init__(
        self,
        path: str,
        layout: ScopeLayout,
        make: Callable[[], Any],
        accumulator: Callable[[Any, Any], Any],
        *,
        is_silent: bool = False,
    ) -> None:
        super().__init__(path)
        self._accumulator, self._is_silent = accumulator, is_silent
        self._store = layout.store(path, lambda: Store(lambda count: (objects([make() for _ in range(count)]).values,)))

    @property
    def reason(self) -> str | None:
        return "its state is a Python object"

    def run(self, flow: Flow, attempt: Attempt) -> Flow:
        store, segments, accumulate = self._store.of(attempt.tables), flow.segments, self._accumulator
        items, emitted, after = flow.items.items(), [], []
        (contents,) = store.get(flow.rows)
        for content, start, length in zip(
            contents.tolist(), segments.starts.tolist(), segments.lengths.tolist(), strict=True
        ):
            for index in range(start, start + length):
                try:
                    content = accumulate(content, items[index])
                except Exception as error:
                    raise fail(int(flow.at[index]), error, self.path, items[index]) from error
                emitted.append(content)
            after.append(content)
        attempt.write(store, flow.rows, (objects(after).values,))
        if self._is_silent:
            return flow.where(np.zeros(len(flow), np.bool_))
        return flow.with_items(column_of(emitted))

    def slots(self, tables: Sequence[Any], row: int, state: State, *, is_tracked: bool = False) -> list[Any]:
        return [copy(self._store.of(tables).arrays[0][row])]
