"""Column functions: users' functions, computed for all items of a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np

from makiserve.stream.columns.column import Items, Mask, Rows, column_of
from makiserve.stream.columns.expressions.evaluation import Evaluation
from makiserve.stream.columns.expressions.merging import fields_of, form_of, place
from makiserve.stream.columns.expressions.trace import Trace, trace
from makiserve.stream.columns.expressions.values import Unsuited, items_of, results_of

FEWEST = 16
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
        reason: why it is called for each item; None if it is computed in columns.
    """

    @property
    def reason(self) -> str | None: ...

    def evaluate(self, items: Items) -> Evaluated: ...


def column_function(function: Callable[..., Any]) -> ColumnFunction:
    """Return the column form of a function that takes an item.

    >>> column_function(lambda i: i * 2).evaluate(column_of([1.5, None])).failed.tolist()
    [False, True]
    >>> column_function(print).reason
    'it calls print'
    """
    return _Function(function, function, starred=False)


def column_starfunction(function: Callable[..., Any]) -> ColumnFunction:
    """Return the column form of a function that takes the elements of an item as its arguments."""
    return _Function(function, lambda item: function(*item), starred=True)


class _Function:
    def __init__(self, function: Callable[..., Any], call: Callable[[Any], Any], *, starred: bool) -> None:
        self._function = function
        self._call = call
        self._starred = starred
        self._trace: Trace = trace(function, starred=starred)

    @property
    def reason(self) -> str | None:
        return self._trace.reason

    def evaluate(self, items: Items) -> Evaluated:
        if not self._trace.holds():
            self._trace = trace(self._function, starred=self._starred)
        found = self._trace
        if found.tree is None:
            results, failed = results_of(self._call, [items.items()], len(items))
            return Evaluated(column_of(results), failed)
        if len(items) < FEWEST:
            return self._call_each(items)
        try:
            with np.errstate(all="ignore"):
                values, doubtful = Evaluation(found.constants, found.item, items).run(found.tree)
        except Unsuited:
            return self._call_each(items)
        if values is None:
            return self._call_each(items)
        computed = items_of(values, len(items))
        return Evaluated(computed, None) if doubtful is None else self._call_some(items, computed, doubtful)

    def _call_each(self, items: Items) -> Evaluated:
        """Call the function for each item; records become rows, as if they were computed in columns."""
        results, failed = results_of(self._call, [items.items()], len(items))
        given = results if failed is None else [results[row] for row in np.flatnonzero(~failed)]
        form = form_of(given)
        if form is None:
            return Evaluated(column_of(results), failed)
        if failed is not None:
            results = [given[0] if has_failed else result for result, has_failed in zip(results, failed, strict=True)]
        make, names, _ = form
        return Evaluated(Rows(make, names, tuple(map(column_of, fields_of(form, results)))), failed)

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
