"""Record types: what one input item consists of, and how it is read from JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any

import msgspec
from msgspec import field
from typing_extensions import dataclass_transform

from makiserve.errors import DecodeError, PipelineError

__all__ = ["Record", "Schema", "field"]

MAX_JSON_BYTES = 16 << 20
"""The longest JSON object that is decoded, wherever it comes from: its values take up to twenty times the memory."""

EXPLAINED_BYTES = 1 << 20
"""The longest one that is decoded once more, without types, to name the field that does not fit."""

MALFORMED = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Record(msgspec.Struct, frozen=True):
    """The base of record types: a class with annotated fields, immutable, cheap to make.

    The annotations are the schema that CSV rows and Kafka messages are checked against, by the same rules: an integer
    is accepted where a float is declared, nothing else is converted; NaN and infinities are refused; fields that are
    not declared are ignored (`class Reading(Record, forbid_unknown_fields=True)` refuses them); a field that may be
    missing or empty is declared `float | None = None`; one whose name in the data differs has a
    `field(name="windSpeed")`.

    >>> class Reading(Record):
    ...     time: int
    ...     temperature: float
    >>> Schema(Reading).decode_json(b'{"time": 1, "temperature": -11, "icon": "rain"}')
    Reading(time=1, temperature=-11.0)
    """


class Schema:
    """A record type, prepared for decoding.

    Args:
        record: a subclass of `Record`.

    Raises:
        PipelineError: it is not one, or a field's type cannot be decoded.
    """

    def __init__(self, record: type[Record]) -> None:
        if not (isinstance(record, type) and issubclass(record, msgspec.Struct)):
            raise PipelineError(f"a record type is a subclass of makiserve.Record, not {record!r}")
        self.record = record
        try:
            self._parameters = signature(record).parameters.values()
            self.fields = msgspec.structs.fields(record)
            self._decode: Callable[[bytes], Record] = msgspec.json.Decoder(record).decode
        except (TypeError, NameError) as error:
            raise PipelineError(f"{record.__qualname__} cannot be a record type: {error}") from error

    def decode_json(self, data: bytes) -> Record:
        """The record of a JSON object.

        Raises:
            DecodeError: it is damaged or does not fit; the error names field, expected type and value.
        """
        if len(data) > MAX_JSON_BYTES:
            raise DecodeError(f"a JSON object of {len(data):,} bytes, more than {MAX_JSON_BYTES:,}")
        try:
            return self._decode(data)
        except MALFORMED as error:
            raise self._explain_json(data, error) from error

    def decode_messages(self, messages: Sequence[bytes | None]) -> list[Record | DecodeError]:
        """The record of each JSON object, or the error that stands in its place."""
        try:
            if max(map(len, messages), default=0) <= MAX_JSON_BYTES:  # type: ignore[arg-type]  # None is a TypeError
                return list(map(self._decode, messages))  # type: ignore[arg-type]
        except (*MALFORMED, TypeError):
            pass
        return [self._verdict(message) for message in messages]

    def _verdict(self, message: bytes | None) -> Record | DecodeError:
        if message is None:
            return DecodeError("the message has no value")
        try:
            return self.decode_json(message)
        except DecodeError as error:
            return error

    @property
    def is_plain(self) -> bool:
        """Whether a record made from values of the right types needs no check of its own."""
        keyword_only = any(parameter.kind is parameter.KEYWORD_ONLY for parameter in self._parameters)
        return not (hasattr(self.record, "__post_init__") or keyword_only)

    @property
    def forbids_unknown(self) -> bool:
        """Whether fields that are not declared are refused."""
        return self.record.__struct_config__.forbid_unknown_fields

    def from_values(self, values: dict[str, Any]) -> Record | DecodeError:
        """The record of values by name in the data, or the error that one of them is or that they make together."""
        for value in values.values():
            if type(value) is DecodeError:
                return value
        try:
            return msgspec.convert(values, self.record)
        except msgspec.ValidationError as error:
            return self._explain(values, error)

    def encode_json(self, record: Record) -> bytes:
        """The JSON object that decodes to this record."""
        return msgspec.json.encode(record)

    def json_schema(self) -> dict[str, Any]:
        """The record type as a JSON Schema (2020-12)."""
        return msgspec.json.schema(self.record)

    def _explain_json(self, data: bytes, error: Exception) -> DecodeError:
        if len(data) > EXPLAINED_BYTES:
            return DecodeError(f"{error} ({len(data):,} bytes)")
        try:
            found = msgspec.json.decode(data)
        except MALFORMED as malformed:
            return DecodeError(f"not a JSON object: {malformed} ({len(data)} bytes, starting {data[:40]!r})")
        if not isinstance(found, dict):
            return DecodeError(f"expected a JSON object, got {shorten(found)}", value=shorten(found))
        return self._explain(found, error)

    def _explain(self, found: dict[str, Any], error: Exception) -> DecodeError:
        """Find the field that does not fit, by converting one field at a time."""
        for declared in self.fields:
            name = declared.encode_name
            if name not in found:
                if declared.required:
                    return missing(name, declared.type)
                continue
            try:
                msgspec.convert(found[name], declared.type)
            except msgspec.ValidationError:
                return mismatch(name, declared.type, shorten(found[name]))
        return DecodeError(str(error))


def missing(name: str, kind: Any) -> DecodeError:
    """The error for a field that is not there."""
    expected = type_name(kind)
    return DecodeError(f"field {name!r} is missing: expected {expected}", field=name, expected=expected)


def mismatch(name: str, kind: Any, value: str) -> DecodeError:
    """The error for a field whose value is not of the declared type."""
    expected = type_name(kind)
    return DecodeError(f"field {name!r}: expected {expected}, got {value}", field=name, expected=expected, value=value)


def type_name(kind: Any) -> str:
    """A type as the user wrote it: `float`, `float | None`."""
    return kind.__qualname__ if isinstance(kind, type) else str(kind).replace("typing.", "")


def shorten(value: Any) -> str:
    """A value as JSON, of 60 characters at most."""
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 60 else text[:57] + "..."
