"""Merge the results of several paths, or of columns and calls, into one column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from makiserve.stream.columns.column import Array, Column, Items, Mask, Rows, column_of, objects
from makiserve.stream.columns.expressions.node_values import GREATEST, LEAST, RecordColumns, Value, Values, items_of
from makiserve.stream.columns.expressions.nodes import parameter_key
from makiserve.stream.columns.expressions.record_classes import record_fields
from makiserve.stream.immutable import is_frozen

Part = tuple[Mask, Values]
"""The values of a path, and where they are the result."""


def merge(results: Sequence[tuple[Mask | None, Values]], size: int) -> Values | None:
    """Return the results of paths as one; a path's mask is true for its items, None for all of them."""
    if len(results) < 2:
        return results[0][1] if results else None
    return _merged([(mask, values) for mask, values in results if mask is not None], size)


def _merged(parts: list[Part], size: int) -> Values:
    """Return the values of each path where its mask is true. An object is made only for the path of its item."""
    masks, values = zip(*parts, strict=True)
    records = [value for value in values if isinstance(value, RecordColumns)]
    if len(records) == len(parts) and len(set(map(_form, records))) == 1:
        fields = zip(*(record.fields for record in records), strict=True)
        merged = tuple(_merged(list(zip(masks, field, strict=True)), size) for field in fields)
        return RecordColumns(records[0].make, records[0].names, merged)
    scalars = [value for value in values if isinstance(value, Value)]
    if len(scalars) == len(parts):
        if all(value.is_constant for value in scalars) and len({parameter_key(value.values) for value in scalars}) == 1:
            return scalars[0]
        kinds = {value.kind for value in scalars if not _is_none(value)}
        if len(kinds) == 1 and kinds != {"O"}:
            return _typed(kinds.pop(), list(zip(masks, scalars, strict=True)), size)
    made = np.full(size, None, object)
    for mask, value in parts:
        made[mask] = objects(items_of(value, size).take(mask).items()).values
    return Value("O", made)


def _typed(kind: str, parts: list[tuple[Mask, Value]], size: int) -> Value:
    """Return numbers of one type; some of the values may be the constant None."""
    given = [(mask, value) for mask, value in parts if not _is_none(value)]
    values = np.zeros(size, np.asarray(given[0][1].values).dtype)
    missing = np.zeros(size, np.bool_)
    for mask, value in parts:
        if _is_none(value):
            missing |= mask
            continue
        values[mask] = value.values if value.is_constant else value.values[mask]
        if value.missing is not None:
            missing |= mask & value.missing
    has_none = len(given) < len(parts) or any(value.missing is not None for _, value in given)
    return Value(kind, values, missing if has_none else None, None, LEAST, GREATEST)


def _form(record: RecordColumns) -> Any:
    return record.make, record.names, len(record.fields)


def _is_none(value: Value) -> bool:
    return value.is_constant and value.values is None


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
