"""Column functions: users' functions, computed for all items of a batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

import numpy as np

from makiserve.stream.columns.column import Items, Mask, column_of
from makiserve.stream.columns.expressions.evaluation import Evaluation
from makiserve.stream.columns.expressions.field_access import length_of
from makiserve.stream.columns.expressions.function_trace import Trace, trace, trace_length
from makiserve.stream.columns.expressions.merging import place, rows_of
from makiserve.stream.columns.expressions.node_values import Unsuited, Values, items_of, results_of, values_of
from makiserve.stream.engine.keeper import UNKNOWN, unwrapped

FEWEST = 32
"""Below this number of items it is faster to call the function for each of them."""


class Evaluated(NamedTuple):
    """The results of a function for a batch.

    Attributes:
        items: one for each input; those of failed rows have no meaning.
        failed: the rows for which the function raises an Exception; None if there are none.
    """

    items: Items
    failed: Mask | None


class ColumnFunction(Protocol):
    """A function that is computed for all items of a batch, with the results of a Python call for each.

    Attributes:
        function: the function as the plan has it, which may be a `Keeper`.
        reason: why it is called for each item; None if it is computed in columns.
    """

    @property
    def function(self) -> Callable[..., Any]: ...
    @property
    def reason(self) -> str | None: ...

    def evaluate(self, items: Items) -> Evaluated: ...

    def complete(self, results: list[Any], items: Items) -> Evaluated:
        """Return the results for a batch, given those that are known; the others are `UNKNOWN`."""


def column_function(function: Callable[..., Any]) -> ColumnFunction:
    """Return the column form of a function that takes an item.

    The function is called for each item if it has an effect, reads what may change, or does what has no column form.
    The reasons for this design are in docs/decisions/0140-functions-are-traced-and-doubtful-items-are-called.md.

    >>> column_function(lambda i: i * 2).evaluate(column_of([1.5, None])).failed.tolist()
    [False, True]
    >>> column_function(print).reason
    'it calls print'
    """
    return _Function(function, unwrapped(function), starred=False)


def column_starfunction(function: Callable[..., Any]) -> ColumnFunction:
    """Return the column form of a function that takes the elements of an item as its arguments."""
    call = unwrapped(function)
    return _Function(function, lambda item: call(*item), starred=True)


class _Function:
    def __init__(self, function: Callable[..., Any], call: Callable[[Any], Any], *, starred: bool) -> None:
        self.function = function
        self._function = unwrapped(function)
        self._call = call
        self._starred = starred
        self._trace = trace(self._function, starred=starred)
        self._by_length: dict[int | None, Trace | None] = {self._trace.length: self._trace}

    @property
    def reason(self) -> str | None:
        return self._trace.reason

    def evaluate(self, items: Items) -> Evaluated:
        if self._trace.tree is not None and not self._trace.holds():
            self._trace = replace(self._trace, tree=None, reason="a name that it reads has been assigned since")
        if self._trace.tree is None:
            results, failed = results_of(self._call, [items.items()], len(items))
            return Evaluated(column_of(results), failed)
        if len(items) < FEWEST:
            return self._call_each(items)
        try:
            with np.errstate(all="ignore"):
                values, doubtful = self._compute(items)
        except Unsuited:
            return self._call_each(items)
        if values is None:
            return self._call_each(items)
        computed = items_of(values, len(items))
        return Evaluated(computed, None) if doubtful is None else self._call_some(items, computed, doubtful)

    def complete(self, results: list[Any], items: Items) -> Evaluated:
        missing = [index for index, result in enumerate(results) if result is UNKNOWN]
        failed = None
        if missing:
            called, raised = results_of(self._call, [items.take(missing).items()], len(missing))
            for index, result in zip(missing, called, strict=True):
                results[index] = result
            if raised is not None:
                failed = np.zeros(len(items), np.bool_)
                failed[np.array(missing)[raised]] = True
        return Evaluated(column_of(results), failed) if self._trace.tree is None else self._as_rows(results, failed)

    def _compute(self, items: Items) -> tuple[Values | None, Mask | None]:
        """Return what can be computed in columns, and the items for which the function must be called."""
        length = None if self._trace.length is None else length_of(values_of(items))
        if length not in self._by_length:
            self._by_length[length] = trace_length(self._function, length, starred=self._starred)
        traced = self._by_length[length]
        if traced is None or traced.tree is None:
            raise Unsuited("items of a length that the function does not accept")
        return Evaluation(traced.constants, traced.item, items).run(traced.tree)

    def _call_each(self, items: Items) -> Evaluated:
        """Call the function for each item; records become rows, as if they were computed in columns."""
        return self._as_rows(*results_of(self._call, [items.items()], len(items)))

    @staticmethod
    def _as_rows(results: list[Any], failed: Mask | None) -> Evaluated:
        if failed is not None and not failed.all():
            given = results[int(np.flatnonzero(~failed)[0])]
            results = [given if has_failed else result for result, has_failed in zip(results, failed, strict=True)]
        return Evaluated(rows_of(results), failed)

    def _call_some(self, items: Items, computed: Items, doubtful: Mask) -> Evaluated:
        """Call the function for the items for which the computed result is not known."""
        rows = np.flatnonzero(doubtful)
        results, raised = results_of(self._call, [items.take(rows).items()], len(rows))
        if raised is None:
            return Evaluated(place(computed, rows, results), None)
        failed = np.zeros(len(items), np.bool_)
        failed[rows[raised]] = True
        given = rows[~raised]
        if not len(given):
            return Evaluated(computed, failed)
        kept = [result for result, has_raised in zip(results, raised, strict=True) if not has_raised]
        return Evaluated(place(computed, given, kept), failed)
