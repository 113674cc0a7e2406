"""The parts that an output can have: the prediction, the features, the record, or single fields of the latter two."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from itertools import starmap
from operator import attrgetter
from typing import Any, get_type_hints

import msgspec

from makiserve.errors import ArgumentError, DecodeError
from makiserve.records import Record
from makiserve.records.emitted_fields import field_names, field_titles
from makiserve.records.record_table import records_at
from makiserve.scoring.record_columns import item_type
from makiserve.scoring.scored import Scored
from makiserve.stream.columns.column import Rows
from makiserve.stream.columns.items import ColumnItems

Column = Callable[[Scored, Sequence[Record | DecodeError]], Sequence[Any]]
Shape = Callable[[Sequence[Any]], Sequence[Any]]

SOURCES: dict[str, Column] = {
    "prediction": lambda scored, records: scored.predictions,
    "features": lambda scored, records: scored.features,
    "record": lambda scored, records: records_at(records, scored.causes),
}
"""The parts that an output can have, each with the function that returns its value for each output."""


def output_parts(emit: Sequence[str], record: type[Record], emitted: Sequence[str]) -> dict[str, Column]:
    """Return for each part of an output the function that returns its values for a batch.

    Args:
        emit: the parts: `prediction`, `features`, `record`, or single fields of the latter two.
        record: the type of the records.
        emitted: the names of the features.

    Raises:
        ConfigurationError: `emit` names a part or field that does not exist.
    """
    names = {declared.name: declared.encode_name for declared in msgspec.structs.fields(record)}
    types = {declared.name: declared.type for declared in msgspec.structs.fields(record)}
    renamed: dict[str, dict[str, str]] = {"features": {}, "record": names}
    columns: dict[str, Column] = {}
    for part, fields in _selected(emit, names, emitted).items():
        shape = (
            _part(fields, renamed[part], types if part == "record" else {})
            if fields
            else list
            if part == "prediction"
            else _values
        )
        columns[part] = partial(_column, SOURCES[part], shape)
    return columns


def _selected(emit: Sequence[str], record: dict[str, str], emitted: Sequence[str]) -> dict[str, list[str] | None]:
    """Return the fields to publish of each part, by attribute name; None for all fields."""
    attributes = {
        "features": {name: name for name in emitted},
        "record": {data: attribute for attribute, data in record.items()},
    }
    selected: dict[str, list[str] | None] = {}
    for name in emit:
        part, dot, field = name.partition(".")
        known = attributes.get(part, {})
        if part not in SOURCES or (dot and field not in known):
            fields = ", ".join(f"{part}.{name}" for part in attributes for name in attributes[part])
            raise ArgumentError("emit", name, f"cannot be emitted; available: {', '.join(SOURCES)}, {fields}")
        if not dot:
            selected[part] = None
        elif (chosen := selected.setdefault(part, [])) is not None:
            chosen.append(known[field])
    return selected


def _column(source: Column, shape: Shape, scored: Scored, records: Sequence[Record | DecodeError]) -> Sequence[Any]:
    return shape(source(scored, records))


def _part(fields: list[str], rename: dict[str, str], types: dict[str, Any]) -> Shape:
    """Return the function that makes an object from some fields of each item."""
    typed = [(name, types.get(name, Any)) for name in fields]
    kind = msgspec.defstruct("Part", typed, rename=rename, gc=False)
    get = attrgetter(*fields)
    if len(fields) == 1:
        return lambda items: list(map(kind, map(get, items)))
    return lambda items: list(starmap(kind, map(get, items)))


def _values(items: Sequence[Any]) -> Sequence[Any]:
    return named(items, "value")


def named(items: Sequence[Any], plain: str) -> Sequence[Any]:
    """Return the items as objects with named fields; an item without fields becomes `{plain: item}`."""
    if isinstance(items, ColumnItems) and isinstance(items.column, Rows) and isinstance(items.column.make, type):
        rows = items.column
        is_tuple = issubclass(item_type(items), tuple)
        return ColumnItems(Rows(_struct(rows.make), rows.names, rows.fields)) if is_tuple else items
    kinds = set(map(type, items))
    if len(kinds) > 1:
        return [named([item], plain)[0] for item in items]
    kind = next(iter(kinds), dict)
    if issubclass(kind, tuple) and field_names(kind):
        return list(starmap(_struct(kind), items))
    return list(items) if issubclass(kind, dict) or field_names(kind) is not None else [{plain: item} for item in items]


@cache
def _struct(kind: type[Any]) -> type[msgspec.Struct]:
    """Return the Struct type for a named tuple, which would otherwise be encoded as a JSON list without names."""
    titles = field_titles(kind)
    try:
        hints = get_type_hints(kind)
    except (NameError, TypeError):  # an annotation that only a type checker can resolve
        hints = {}
    typed = [(name, hints.get(name, Any)) for name in titles]
    return msgspec.defstruct(kind.__name__, typed, rename=titles, gc=False)
