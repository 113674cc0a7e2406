"""`map`, `starmap`, `filter` and the like in columns."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np

from makiserve.stream.columns.attempt import Attempt, check
from makiserve.stream.columns.column import Column, Items, Mask, column_of
from makiserve.stream.columns.expressions.column_function import column_function, column_starfunction
from makiserve.stream.columns.expressions.node_values import results_of
from makiserve.stream.columns.flow import Flow
from makiserve.stream.columns.steps.step import Step
from makiserve.stream.engine.keeper import unwrapped


class MapStep(Step):
    """Applies a function to each item."""

    def __init__(self, path: str, mapper: Callable[[Any], Any]) -> None:
        super().__init__(path)
        self._call = unwrapped(mapper)
        self._function = column_function(mapper)

    @property
    def reason(self) -> str | None:
        return self._function.reason

    def run(self, flow: Flow, attempt: Attempt) -> Flow:
        items, failed = attempt.evaluate(self._function, flow)
        check(flow, failed, self._call, self.path, is_certain=self.is_certain)
        return flow.with_items(items)


class StarmapStep(MapStep):
    """Applies a function to the elements of each item."""

    def __init__(self, path: str, mapper: Callable[..., Any]) -> None:
        Step.__init__(self, path)
        call = unwrapped(mapper)
        self._call = lambda item: call(*item)
        self._function = column_starfunction(mapper)


class FilterStep(MapStep):
    """Passes the items on for which a function is true."""

    def run(self, flow: Flow, attempt: Attempt) -> Flow:
        answers, failed = attempt.evaluate(self._function, flow)
        check(flow, failed, self._call, self.path, is_certain=self.is_certain)
        kept, failed = truth(answers)
        check(flow, failed, lambda item: bool(self._call(item)), self.path, is_certain=self.is_certain)
        return flow if kept.all() else flow.where(kept)


class IdentityStep(Step):
    """Passes every item on."""

    def run(self, flow: Flow, attempt: Attempt) -> Flow:
        return flow


class FlatMapStep(Step):
    """Emits the elements of each item one by one."""

    def run(self, flow: Flow, attempt: Attempt) -> Flow:
        elements, failed = results_of(list, [flow.items.items()], len(flow))
        check(flow, failed, list, self.path, is_certain=self.is_certain)
        causes = np.repeat(np.arange(len(flow)), np.fromiter(map(len, elements), np.int64, len(elements)))
        return flow.emitted(causes, column_of(list(chain.from_iterable(elements))))


def truth(answers: Items) -> tuple[Mask, Mask | None]:
    """Return whether each value is true, and for which items `bool` raises."""
    if isinstance(answers, Column) and answers.values.dtype != object:
        kept: Mask = answers.values.astype(np.bool_)
        if answers.missing is not None:
            kept &= ~answers.missing
        return kept, None
    values = answers.items()
    try:
        return np.fromiter(map(bool, values), np.bool_, len(values)), None
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001  numpy arrays and pandas' NA have no truth value
        failed = np.fromiter((_fails(value) for value in values), np.bool_, len(values))
        return np.zeros(len(values), np.bool_), failed


def _fails(value: Any) -> bool:
    try:
        bool(value)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001  this is the question
        return True
    return False
