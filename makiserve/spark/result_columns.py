"""The columns of the outputs: Arrow types that are known before the first row, and arrays of these types."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from operator import attrgetter, itemgetter
from typing import Any, Union, get_args, get_origin

import pyarrow as pa

from makiserve.errors import EncodeError, RecordError
from makiserve.records import Record
from makiserve.records.cells import without_none
from makiserve.records.emitted_fields import declared_types, field_titles
from makiserve.scoring import Outputs, Scored

SCALARS: dict[type, pa.DataType] = {
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    str: pa.string(),
    bytes: pa.binary(),
    datetime: pa.timestamp("us"),
    date: pa.date32(),
    timedelta: pa.duration("us"),
    Decimal: pa.decimal128(38, 18),
}
"""The Arrow type of each Python type. A subclass has the type of the first one that it is a subclass of."""

MISFITS = (pa.ArrowException, TypeError, ValueError, ArithmeticError, AttributeError, LookupError, RecursionError)
"""The exceptions for a value that a column cannot hold."""


@dataclass(frozen=True)
class OutputColumn:
    """A column of the outputs.

    Attributes:
        name: the name of the column.
        type: its Arrow type.
        is_json: whether its values are written as JSON text, because they have no Arrow type.
        fields: the columns of an object, such as `features`; empty for a value.
    """

    name: str
    type: pa.DataType
    is_json: bool = False
    fields: tuple[OutputColumn, ...] = ()

    def array(self, values: Sequence[Any], form: Outputs) -> pa.Array:
        """Return the values as an array.

        Raises:
            Exception: one of `MISFITS`, if a value does not fit.
        """
        if self.fields:
            return pa.StructArray.from_arrays(list(_arrays(self.fields, values, form).values()), fields=list(self.type))
        if self.is_json:
            texts = (form.encode_object(value).decode() for value in values)
            return pa.array([None if text == "null" else text for text in texts], self.type)
        if pa.types.is_map(self.type):
            values = [None if value is None else list(value.items()) for value in values]
        return pa.array(values, self.type)


@dataclass(frozen=True)
class OutputColumns:
    """All columns of the outputs."""

    columns: tuple[OutputColumn, ...]

    @property
    def schema(self) -> pa.Schema:
        """The names and types."""
        return pa.schema([(column.name, column.type) for column in self.columns])

    def arrays(
        self, form: Outputs, scored: Scored, records: Sequence[Any]
    ) -> tuple[list[int], dict[str, pa.Array], list[tuple[int, RecordError]]]:
        """Return the causes and the columns of a batch's outputs, and its dead letters.

        A record with an output that the columns cannot hold is a dead letter.
        """
        causes, objects = form.objects(scored, records)
        try:
            return causes, _arrays(self.columns, objects, form), scored.dead
        except MISFITS:
            return self.arrays(form, scored.without(self._failed(form, causes, objects)), records)

    def _failed(self, form: Outputs, causes: Sequence[int], objects: Sequence[Any]) -> dict[int, RecordError]:
        failed: dict[int, RecordError] = {}
        for cause, item in zip(causes, objects, strict=True):
            try:
                _arrays(self.columns, [item], form)
            except MISFITS as error:
                failed.setdefault(cause, EncodeError(f"the output does not fit the columns of the result: {error}"))
        return failed


def columns_of(form: Outputs, scored: Scored, record: type[Record], records: Sequence[Any]) -> OutputColumns:
    """Return the columns for outputs like those of a sample.

    A column has the type that its field is annotated with, or else that of the sample's values. A value without an
    Arrow type is JSON text, as in an output file.

    Args:
        form: what is published.
        scored: the result of scoring the sample, with at least one output.
        record: the type of the records.
        records: the records of the sample.
    """
    _, objects = form.objects(scored, records)
    items = scored.posted.items if scored.posted is not None else scored.features
    emitted = declared_types(type(items[0]))
    parts = {"features": declared_types(type(scored.features[0])), "record": declared_types(record)}
    is_emitted = not form.names
    return OutputColumns(_columns(objects, emitted if is_emitted else {}, {} if is_emitted else parts, form))


def _columns(
    objects: Sequence[Any], hints: Mapping[str, Any], parts: Mapping[str, Mapping[str, Any]], form: Outputs
) -> tuple[OutputColumn, ...]:
    columns = []
    for name in _titles(objects[0]):
        values = _values(objects, name)
        if name in parts:
            fields = _columns(values, parts[name], {}, form)
            kind = pa.struct([(field.name, field.type) for field in fields])
            columns.append(OutputColumn(name, kind, fields=fields))
        else:
            columns.append(_column(name, hints.get(name), values, form))
    return tuple(columns)


def _column(name: str, hint: Any, values: list[Any], form: Outputs) -> OutputColumn:
    present = [value for value in values if value is not None]
    has_zone = any(getattr(value, "tzinfo", None) is not None for value in present)
    for kind in (_type_of(hint), _type_of_values(present)):
        if kind is None:
            continue
        column = OutputColumn(name, pa.timestamp("us", "UTC") if has_zone and pa.types.is_timestamp(kind) else kind)
        try:
            column.array(values, form)
        except MISFITS:
            continue
        return column
    return OutputColumn(name, pa.string(), is_json=True)


def _type_of(hint: Any) -> pa.DataType | None:
    """Return the Arrow type of an annotation; None if there is none for all of its values."""
    base, _ = without_none(hint)
    if isinstance(base, type) and not get_args(base):
        return next((kind for python, kind in SCALARS.items() if issubclass(base, python)), None)
    origin, arguments = get_origin(base), get_args(base)
    if origin in (Union, types.UnionType):
        return pa.float64() if set(arguments) <= {int, float} else None
    if origin is list or (origin is tuple and arguments[1:] == (...,)):
        inner = _type_of(arguments[0])
        return inner and pa.list_(inner)
    if origin is dict and arguments[0] is str:
        inner = _type_of(arguments[1])
        return inner and pa.map_(pa.string(), inner)
    return None


def _type_of_values(values: Sequence[Any]) -> pa.DataType | None:
    """Return the Arrow type of values; None if they are of several types, or there are none."""
    kinds = set(map(type, values))
    if kinds == {list}:
        inner = _type_of_values([item for value in values for item in value if item is not None])
        return inner and pa.list_(inner)
    if kinds == {dict} and all(type(key) is str for value in values for key in value):
        inner = _type_of_values([item for value in values for item in value.values() if item is not None])
        return inner and pa.map_(pa.string(), inner)
    if kinds == {int, float}:
        return pa.float64()
    return _type_of(kinds.pop()) if len(kinds) == 1 else None


def _arrays(columns: Sequence[OutputColumn], objects: Sequence[Any], form: Outputs) -> dict[str, pa.Array]:
    names = [column.name for column in columns]
    for kind in set(map(type, objects)) - {dict}:
        if (titles := list(_titles_of(kind))) != names:
            raise ValueError(f"it has the fields {', '.join(titles)} instead of {', '.join(names)}")
    if misfit := next((item for item in objects if type(item) is dict and list(item) != names), None):
        raise ValueError(f"it has the fields {', '.join(map(str, misfit))} instead of {', '.join(names)}")
    return {column.name: _array(column, _values(objects, column.name), form) for column in columns}


def _array(column: OutputColumn, values: list[Any], form: Outputs) -> pa.Array:
    try:
        return column.array(values, form)
    except MISFITS as error:
        raise ValueError(f"{column.name}: {error}") from error


def _values(objects: Sequence[Any], name: str) -> list[Any]:
    kinds = set(map(type, objects))
    if len(kinds) == 1:
        return list(map(_getter(next(iter(kinds)), name), objects))
    return [_getter(type(item), name)(item) for item in objects]


def _getter(kind: type[Any], name: str) -> Callable[[Any], Any]:
    return itemgetter(name) if kind is dict else attrgetter(_titles_of(kind)[name])


def _titles(item: Any) -> list[str]:
    return [str(name) for name in item] if type(item) is dict else list(_titles_of(type(item)))


def _titles_of(kind: type[Any]) -> dict[str, str]:
    """Return the attribute of each field, by its name in the output."""
    return {title: name for name, title in field_titles(kind).items()}
