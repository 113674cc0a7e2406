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
from makiserve.stream.engine.keeper import UNKNOWN, Keeper
from makiserve.stream.engine.stage import State


class ScanStep(Step):
    """Accumulates items: `accumulated = accumulator(accumulated, item)`.

    Args:
        path: its place in the pipeline.
        layout: of the scope.
        make: returns the accumulated value before the first item.
        accumulator: returns a new value; it never changes the old one in place.
        is_silent: whether nothing is emitted before completion.
        keeper: keeps the results of the accumulator; None if they are not kept.
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
        keeper: Keeper | None = None,
    ) -> None:
        super().__init__(path)
        self._keeper = keeper
        self._accumulator, self._is_silent = accumulator, is_silent
        self._store = layout.store(path, lambda: Store(lambda count: (objects([make() for _ in range(count)]).values,)))

    @property
    def reason(self) -> str | None:
        return "its state is a Python object"

    def run(self, flow: Flow, attempt: Attempt) -> Flow:
        store = self._store.of(attempt.tables)
        kept = attempt.kept(self._keeper, flow) if self._keeper else None
        if kept is None:
            emitted = self._accumulated(flow, store, self._accumulator)
        elif any(result is UNKNOWN for result in kept):
            emitted = self._accumulated(flow, store, _or_call(kept, self._accumulator))
        else:
            emitted = kept
        last = flow.segments.starts + flow.segments.lengths - 1
        attempt.write(store, flow.rows, (objects([emitted[index] for index in last.tolist()]).values,))
        if self._is_silent:
            return flow.where(np.zeros(len(flow), np.bool_))
        return flow.with_items(column_of(emitted))

    def _accumulated(self, flow: Flow, store: Store, accumulator: Callable[[Any, Any], Any]) -> list[Any]:
        """Return the accumulated value after each item."""
        items, emitted, segments = flow.items.items(), list[Any](), flow.segments
        (contents,) = store.get(flow.rows)
        for content, start, length in zip(
            contents.tolist(), segments.starts.tolist(), segments.lengths.tolist(), strict=True
        ):
            for index in range(start, start + length):
                try:
                    content = accumulator(content, items[index])
                except KeyboardInterrupt:
                    raise
                except BaseException as error:
                    raise fail(int(flow.at[index]), error, self.path, items[index]) from error
                emitted.append(content)
        return emitted

    def slots(self, tables: Sequence[Any], row: int, state: State, *, is_tracked: bool = False) -> list[Any]:
        return [copy(self._store.of(tables).arrays[0][row])]


def _or_call(results: Sequence[Any], function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return a function that returns one result after the other, and calls `function` for one that is `UNKNOWN`."""
    following = iter(results)

    def result(accumulated: Any, item: Any) -> Any:
        known = next(following)
        return function(accumulated, item) if known is UNKNOWN else known

    return result
