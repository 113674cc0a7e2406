"""Records as columns for the columnar engine, and its features as columns for a model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from makiserve.records.emitted_fields import field_titles
from makiserve.records.record_table import DictionaryValues, FieldColumn, RecordTable
from makiserve.records.times import TimeValues
from makiserve.stream.columns.column import KINDS, Column, Rows, column_of
from makiserve.stream.columns.dictionary_column import DictionaryColumn
from makiserve.stream.columns.expressions.record_classes import record_fields
from makiserve.stream.columns.items import ColumnItems
from makiserve.stream.columns.time_column import TimeColumn
from makiserve.stream.immutable import is_frozen


def column_items(records: Sequence[Any]) -> Sequence[Any]:
    """Return records that have been read in columns as such; other records unchanged.

    Records remain objects, too, if their class does more than to store the values of its fields.
    """
    if not isinstance(records, RecordTable):
        return records
    names, record = tuple(records.fields), records.record
    if not names or record_fields(record) != names or not is_frozen(record):
        return records
    return ColumnItems(Rows(record, names, tuple(map(_column, records.fields.values()))))


def _column(field: FieldColumn) -> Column:
    if isinstance(field, TimeValues):
        return TimeColumn(field)
    if isinstance(field, DictionaryValues):
        return DictionaryColumn(field.codes, field.dictionary)
    if field.values.dtype == object:
        first = next((value for value in field.values.tolist() if value is not None), None)
        if type(first) in KINDS:
            return column_of(field.values.tolist())
    return Column(*field)


def item_type(features: Sequence[Any]) -> type[Any]:
    """Return the type of the first of some features."""
    rows = features.column if isinstance(features, ColumnItems) else None
    return rows.make if isinstance(rows, Rows) and isinstance(rows.make, type) else type(features[0])


def named_columns(features: Sequence[Any]) -> dict[str, ColumnItems] | None:
    """Return the values of each field of features that are columns; None if they are objects or have no names."""
    if not isinstance(features, ColumnItems) or not isinstance(features.column, Rows) or not features.column.names:
        return None
    return {name: ColumnItems(field) for name, field in zip(features.column.names, features.column.fields, strict=True)}


def input_rows(features: Sequence[Any], inputs: Sequence[str]) -> ColumnItems | None:
    """Return the inputs of a model for features that are columns, as rows in its order.

    Args:
        features: the items that a pipeline emitted.
        inputs: the names of the inputs, either from `makiserve.field(name=…)` or the attributes.

    Returns:
        None if the features are objects, or lack an input as a field.
    """
    if not isinstance(features, ColumnItems) or not isinstance(features.column, Rows):
        return None
    rows = features.column
    places = _places(rows.make, rows.names, tuple(inputs))
    return None if places is None else ColumnItems(Rows(None, (), tuple(rows.fields[place] for place in places)))


@lru_cache(maxsize=64)
def _places(make: Any, names: tuple[str, ...], inputs: tuple[str, ...]) -> tuple[int, ...] | None:
    """Return the numbers of the fields that are inputs, in their order; None if one is not a field."""
    titles = field_titles(make) if isinstance(make, type) else {}
    attributes = {title: name for name, title in titles.items()}
    wanted = [attributes.get(name, name) for name in inputs]
    return tuple(map(names.index, wanted)) if set(wanted) <= set(names) else None
