"""Merge the results of several paths, or of columns and calls, into one column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from makiserve.stream.columns.column import Array, Column, Items, Mask, Rows, column_of, objects
from makiserve.stream.columns.expressions.nodes import parameter_key
from makiserve.stream.columns.expressions.records import is_frozen, record_fields
from makiserve.stream.columns.expressions.values import RecordColumns, Value, Values, items_of


def merge(results: Sequence[tuple[Mask | None, Values]], size: int) -> Values | None:
    """Return the results of paths as one; a path's mask is true for its items, None for all of them."""
    if not results:
        return None
    merged = results[0][1]
    for mask, values in results[1:]:
        assert mask is not None  # noqa: S101  a path that is not the only one has some of the items
        merged = _choose(mask, values, merged, size)
    return merged


def _choose(mask: Mask, yes: Values, no: Values, size: int) -> Values:
    """Return one value where the mask is true and the other elsewhere."""
    if isinstance(yes, RecordColumns) and isinstance(no, RecordColumns) and _form(yes) == _form(no):
        fields = zip(yes.fields, no.fields, strict=True)
        return RecordColumns(yes.make, yes.names, tuple(_choose(mask, a, b, size) for a, b in fields))
    if isinstance(yes, Value) and isinstance(no, Value):
        if yes.is_constant and no.is_constant and parameter_key(yes.values) == parameter_key(no.values):
            return yes
        if _is_none(yes) and no.kind != "O":
            return replace(_spread(no, size), missing=mask | _missing(no, size), bad=None)
        if _is_none(no) and yes.kind != "O":
            return replace(_spread(yes, size), missing=~mask | _missing(yes, size), bad=None)
        if yes.kind == no.kind != "O":
            missing = None
            if yes.missing is not None or no.missing is not None:
                missing = np.where(mask, _missing(yes, size), _missing(no, size))
            values = np.where(mask, yes.values, no.values)
            return Value(yes.kind, values, missing, None, min(yes.low, no.low), max(yes.high, no.high))
    values = _objects(no, size)
    values[mask] = _objects(yes, size)[mask]
    return Value("O", values)


def _form(record: RecordColumns) -> Any:
    return record.make, record.names, len(record.fields)


def _is_none(value: Value) -> bool:
    return value.is_constant and value.values is None


def _missing(value: Value, size: int) -> Mask:
    return np.zeros(size, np.bool_) if value.missing is None else value.missing


def _spread(value: Value, size: int) -> Value:
    return replace(value, values=np.full(size, value.values)) if value.is_constant else value


def _objects(values: Values, size: int) -> Array:
    """Return values as a new array of objects."""
    return objects(items_of(values, size).items()).values


def place(items: Items, at: Array, results: Sequence[Any]) -> Items:
    """Return items with the results of calls at some indexes."""
    if isinstance(items, Rows):
        form = form_of(results)
        if form is not None and form == (items.make, items.names, len(items.fields)):
            fields = zip(items.fields, fields_of(form, results), strict=True)
            return Rows(items.make, items.names, tuple(place(field, at, values) for field, values in fields))
    else:
        column = column_of(results)
        if column.values.dtype == items.values.dtype:
            values = items.values.copy()
            values[at] = column.values
            missing = items.missing
            if missing is not None or column.missing is not None:
                missing = np.zeros(len(items), np.bool_) if missing is None else missing.copy()
                missing[at] = False if column.missing is None else column.missing
            return Column(values, missing)
    values = objects(items.items()).values
    values[at] = objects(results).values
    return Column(values)


Form = tuple[Any, tuple[str, ...], int]


def form_of(results: Sequence[Any]) -> Form | None:
    """Return the form, as in `Rows`, of records of one class or tuples of one length; None if there is none."""
    types = set(map(type, results))
    if len(types) != 1:
        return None
    cls = types.pop()
    if cls is tuple:
        lengths = set(map(len, results))
        return (None, (), lengths.pop()) if len(lengths) == 1 and results[0] else None
    names = record_fields(cls)
    return None if names is None or not is_frozen(cls) else (cls, names, len(names))


def rows_of(results: Sequence[Any]) -> Items:
    """Return results as columns: records and tuples as rows, as if they had been computed in columns."""
    form = form_of(results)
    if form is None:
        return column_of(results)
    make, names, _ = form
    return Rows(make, names, tuple(map(rows_of, fields_of(form, results))))


def fields_of(form: Form, results: Sequence[Any]) -> list[Sequence[Any]]:
    """Return the values of each field."""
    make, names, _ = form
    if make is None or issubclass(make, tuple):
        return list(zip(*results, strict=True))
    return [[getattr(result, name) for result in results] for name in names]
