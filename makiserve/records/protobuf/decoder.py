"""A decoder for one Protobuf schema and record type."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

import msgspec
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError as ProtobufError
from google.protobuf.message_factory import GetMessageClass
from msgspec.structs import FieldInfo

from makiserve.errors import DecodeError
from makiserve.records.field_errors import missing, rename_remedy
from makiserve.records.protobuf.schema import ProtobufSchema
from makiserve.records.record import Record, Schema
from makiserve.records.typed import TypedColumn

MAX_DEPTH = 10
"""Maximum nesting depth of the message type that a schema ID refers to."""

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
EXACT = {
    (FieldDescriptor.CPPTYPE_BOOL, bool),
    (FieldDescriptor.CPPTYPE_INT32, int),
    (FieldDescriptor.CPPTYPE_INT64, int),
    (FieldDescriptor.CPPTYPE_UINT32, int),
    (FieldDescriptor.CPPTYPE_UINT64, int),
    (FieldDescriptor.CPPTYPE_STRING, str),
}
"""Stored and declared types whose values always fit. Bytes are stored as strings too, and are not exact."""


class Reader(NamedTuple):
    """Reads one field of the record from a message.

    Attributes:
        name: of the record's attribute.
        source: the field's name in the message; None if the message type has no such field.
        has_presence: whether the message knows that the field is absent.
        value: returns the value as JSON has it; None if it is that already.
        convert: returns the value as the declared type, or the `DecodeError` for it; None if it always fits.
        default: returns the value of an absent field.
    """

    name: str
    source: str | None
    has_presence: bool
    value: Callable[[Any], Any] | None
    convert: Callable[[Any], Any] | None
    default: Callable[[], Any]


class MessageReader:
    """Decodes messages of one type.

    Args:
        message: its descriptor.
        schema: the record type.
    """

    def __init__(self, message: Any, schema: Schema) -> None:
        self._schema = schema
        self._parse = GetMessageClass(message).FromString
        fields = {name: field for field in message.fields for name in (field.json_name, field.name)}
        self._readers = [_reader(declared, fields.get(_title(declared)), fields) for declared in schema.fields]
        self.titles = {
            declared.encode_name
            for declared, reader in zip(schema.fields, self._readers, strict=True)
            if reader.source is not None
        }
        read = {reader.source for reader in self._readers}
        self._unknown = next((field.name for field in message.fields if field.name not in read), None)

    def decode(self, data: bytes) -> Record:
        """Return the record in data.

        Raises:
            DecodeError: the data are damaged or do not fit.
        """
        if self._unknown and self._schema.forbids_unknown:
            raise DecodeError(f"Object contains unknown field `{self._unknown}`")
        try:
            message = self._parse(data)
        except ProtobufError as error:
            raise DecodeError(f"not data of the Protobuf schema: {error} ({len(data):,} bytes)") from error
        record = self._schema.from_values({reader.name: _read(reader, message) for reader in self._readers})
        if isinstance(record, DecodeError):
            raise record
        return record


class ProtobufDecoder:
    """Decodes Protobuf data that were written with one schema to records of one type.

    A value is treated as the same value in a JSON message; see `TypedColumn`. A field is found by its name in the data,
    as in the .proto file or in Protobuf's JSON, or by its attribute if Protobuf does not allow that name.

    Args:
        writer: the schema that the data were written with.
        schema: the record type.
        indexes: the encoded path of the message type in the schema; None if it is in front of each message.
    """

    def __init__(self, writer: ProtobufSchema, schema: Schema, indexes: bytes | None = None) -> None:
        self._writer = writer
        self._schema = schema
        self._indexes = indexes or None
        self._readers: dict[tuple[int, ...], MessageReader] = {}

    @property
    def titles(self) -> set[str]:
        """The names of the record's fields that the messages read so far may contain."""
        return set().union(*(reader.titles for reader in self._readers.values()))

    def decode(self, data: bytes, start: int = 0) -> Record:
        """Return the record in data that begin at `start`.

        Raises:
            DecodeError: the data are damaged or do not fit.
        """
        if self._indexes is None:
            path, start = message_path(data, start)
        else:
            path, _ = message_path(self._indexes, 0)
        if (reader := self._readers.get(path)) is None:
            reader = self._readers[path] = MessageReader(self._writer.message(path), self._schema)
        return reader.decode(data[start:])


def message_path(data: bytes, pos: int) -> tuple[tuple[int, ...], int]:
    """Return the path of a message type in its schema, and the position after it. A single zero is the first type.

    Raises:
        DecodeError: the data end early, or the path is too long.
    """
    try:
        count, pos = _zigzag(data, pos)
        if not 0 <= count <= MAX_DEPTH:
            raise DecodeError(f"the message type has a path of {count} indexes")
        path = []
        for _ in range(count):
            index, pos = _zigzag(data, pos)
            path.append(index)
    except IndexError:
        raise DecodeError("the data end before the index of their message type") from None
    return tuple(path) or (0,), pos


def _zigzag(data: bytes, pos: int) -> tuple[int, int]:
    number = shift = 0
    while shift < 35:
        byte = data[pos]
        pos += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return (number >> 1) ^ -(number & 1), pos
        shift += 7
    raise DecodeError("the index of the message type has more than 32 bits")


def _title(declared: FieldInfo) -> str:
    return declared.encode_name if re.fullmatch(r"[A-Za-z_]\w*", declared.encode_name, re.ASCII) else declared.name


def _reader(declared: FieldInfo, field: Any, names: Iterable[str]) -> Reader:
    column = TypedColumn(declared.encode_name, declared.type)
    remedy = rename_remedy(declared, names) if field is None else ""

    def absent() -> Any:
        if declared.default_factory is not msgspec.NODEFAULT:
            return declared.default_factory()
        if declared.default is not msgspec.NODEFAULT:
            return declared.default
        if column.is_optional and field is not None:
            return None
        return missing(declared.encode_name, declared.type, remedy)

    if field is None:
        return Reader(declared.name, None, False, None, None, absent)
    is_exact = (field.cpp_type, column.base) in EXACT and field.type != FieldDescriptor.TYPE_BYTES
    convert = None if is_exact and not field.is_repeated else column.value
    return Reader(declared.name, field.name, field.has_presence, _value(field), convert, absent)


def _read(reader: Reader, message: Any) -> Any:
    if reader.source is None or (reader.has_presence and not message.HasField(reader.source)):
        return reader.default()
    value = getattr(message, reader.source)
    try:
        value = reader.value(value) if reader.value else value
    except (OverflowError, ValueError) as error:
        return DecodeError(f"field {reader.source!r}: {error}", field=reader.source)
    return reader.convert(value) if reader.convert else value


def _value(field: Any) -> Callable[[Any], Any] | None:
    """Return the function that makes a JSON value of a field's value; None if it is one."""
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        item = _single(field.message_type.fields_by_name["value"])
        return lambda value: {_key(key): item(value[key]) if item else value[key] for key in value}
    single = _single(field)
    if field.is_repeated:
        return lambda value: [single(item) for item in value] if single else list(value)
    return single


def _key(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def _single(field: Any) -> Callable[[Any], Any] | None:
    if field.enum_type is not None:
        names = {number: value.name for number, value in field.enum_type.values_by_number.items()}
        return lambda number: names.get(number, number)
    if field.message_type is None:
        return None
    convert: Callable[[Any], Any] = _WELL_KNOWN.get(str(field.message_type.full_name), _as_dict)
    return convert


def _as_dict(message: Any) -> dict[str, Any]:
    """Return a message as a dict of its fields; absent ones are left out, as in JSON."""
    values = {}
    for field in message.DESCRIPTOR.fields:
        if not field.has_presence or message.HasField(field.name):
            value, convert = getattr(message, field.name), _value(field)
            values[field.name] = convert(value) if convert else value
    return values


def _timestamp(message: Any) -> datetime:
    return EPOCH + timedelta(seconds=message.seconds, microseconds=_rounded(message.nanos))


def _duration(message: Any) -> timedelta:
    return timedelta(seconds=message.seconds, microseconds=_rounded(message.nanos))


def _rounded(nanoseconds: int) -> int:
    """Return nanoseconds as microseconds, rounded as in JSON."""
    whole, rest = divmod(nanoseconds, 1000)
    return whole + (rest >= 500)


WRAPPERS: Sequence[str] = ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")
_WELL_KNOWN: dict[str, Callable[[Any], Any]] = {
    "google.protobuf.Timestamp": _timestamp,
    "google.protobuf.Duration": _duration,
    **{f"google.protobuf.{name}Value": lambda message: message.value for name in WRAPPERS},
}
