"""Record types: the fields of an input item, and its decoding from JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import partial
from inspect import signature
from math import isinf, isnan
from typing import Any, get_args

import msgspec
from msgspec import field
from typing_extensions import dataclass_transform

from makiserve.errors import ConfigurationError, DecodeError, PipelineError, message_of
from makiserve.records.field_errors import mismatch, missing, optional_remedy, rename_remedy, shorten

__all__ = ["Record", "Schema", "field"]

MAX_JSON_BYTES = 16 << 20
"""Maximum size of a JSON object, from any source. Its values take up to twenty times as much memory."""

EXPLAINED_BYTES = 1 << 20
"""The longest JSON object that is decoded again, without types, to name the field that does not fit."""

MALFORMED = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)

# fmt: off
NA_VALUES = frozenset((
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
))
# fmt: on
"""How CSV files write a missing value: the words that `pandas.read_csv` knows."""

NAN = re.compile(rb'("[^"\\]*(?:\\.[^"\\]*)*"?)|-?NaN\b', re.DOTALL)
"""A JSON string, which stays as it is, or the NaN that Python's `json.dumps` writes although JSON has none."""


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Record(msgspec.Struct, frozen=True):
    """The base of record types: a class with annotated fields, immutable, cheap to make.

    The annotations are the schema that files and Kafka messages are checked against, by the same rules: an integer is
    accepted for a float, and nothing else is converted. NaN is a missing value; infinities are refused. Fields that
    are not declared are ignored (`class Reading(Record, forbid_unknown_fields=True)` refuses them). A field that may
    be missing is declared `float | None = None`. One whose name in the data differs has a `field(name="windSpeed")`.
    Every type and format is in `docs/reference/values.md`.

    >>> class Reading(Record):
    ...     time: int
    ...     temperature: float
    >>> Schema(Reading).decode_json(b'{"time": 1, "temperature": -11, "icon": "rain"}')
    Reading(time=1, temperature=-11.0)
    """


class Schema:
    """A record type with its decoder.

    Args:
        record: a subclass of `Record`.
        na_values: the cells of a CSV file that are None for an optional field, in addition to empty ones. The default
            is those of pandas: NA, N/A, NaN, null, None and others.

    Raises:
        PipelineError: `record` is not such a class, or a field's type cannot be decoded.
        ConfigurationError: `na_values` are not text.
    """

    def __init__(self, record: type[Record], na_values: Iterable[str] | None = None) -> None:
        if not (isinstance(record, type) and issubclass(record, msgspec.Struct)):
            raise PipelineError(f"a record type must be a subclass of makiserve.Record, not {record!r}")
        self.record = record
        self.na_values = _na_values(na_values)
        try:
            self._parameters = signature(record).parameters.values()
            self.fields = msgspec.structs.fields(record)
            self._decode: Callable[[bytes], Record] = msgspec.json.Decoder(record).decode
        except (TypeError, NameError) as error:
            raise PipelineError(f"{record.__qualname__} cannot be a record type: {error}") from error
        self._decimals = [field.name for field in self.fields if Decimal in (field.type, *get_args(field.type))]
        if self._decimals:
            self._decode = partial(self._decode_decimals, self._decode)

    def decode_json(self, data: bytes) -> Record:
        """Return the record of a JSON object. NaN, which JSON does not have, is read as null.

        Raises:
            DecodeError: the object is damaged or does not fit. The error names field, expected type and value.
        """
        if len(data) > MAX_JSON_BYTES:
            raise DecodeError(f"a JSON object of {len(data):,} bytes is too large (limit {MAX_JSON_BYTES:,})")
        try:
            return self._decode(data)
        except MALFORMED as error:
            if b"NaN" in data and (without := NAN.sub(lambda match: match[1] or b"null", data)) != data:
                return self._decode_without_nan(without, data)
            raise self._explain_json(data, error) from error
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a record's own __post_init__
            raise DecodeError(_raised(error)) from error

    def decode_messages(self, messages: Sequence[bytes | None]) -> list[Record | DecodeError]:
        """Return the record of each JSON object, or the error for it."""
        try:
            if max(map(len, messages), default=0) <= MAX_JSON_BYTES:  # type: ignore[arg-type]  # None is a TypeError
                return list(map(self._decode, messages))  # type: ignore[arg-type]
        except KeyboardInterrupt:
            raise
        except BaseException:  # noqa: BLE001, S110  at least one does not fit: decode them one by one
            pass
        return [self._verdict(message) for message in messages]

    def _verdict(self, message: bytes | None) -> Record | DecodeError:
        if message is None:
            return DecodeError("the message has no value")
        try:
            return self.decode_json(message)
        except DecodeError as error:
            return error

    def _decode_decimals(self, decode: Callable[[bytes], Record], data: bytes) -> Record:
        """Decode a record and refuse decimals that are not finite, as the other formats do."""
        record = decode(data)
        for name in self._decimals:
            if is_infinite(getattr(record, name)):
                raise msgspec.ValidationError(f"{name} is not a finite number")
        return record

    def _decode_without_nan(self, data: bytes, original: bytes) -> Record:
        try:
            return self._decode(data)
        except MALFORMED as error:
            try:
                decoded = json.loads(original)
            except (ValueError, RecursionError):
                decoded = None
            raise (
                self._explain(decoded, error) if isinstance(decoded, dict) else self._explain_json(data, error)
            ) from error
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a record's own __post_init__
            raise DecodeError(_raised(error)) from error

    @property
    def is_positional(self) -> bool:
        """Return whether records can be made from positional values, without a check by `__post_init__`."""
        keyword_only = any(parameter.kind is parameter.KEYWORD_ONLY for parameter in self._parameters)
        return not (hasattr(self.record, "__post_init__") or keyword_only)

    @property
    def forbids_unknown(self) -> bool:
        """Return whether undeclared fields are refused."""
        return self.record.__struct_config__.forbid_unknown_fields

    def from_values(self, values: dict[str, Any]) -> Record | DecodeError:
        """Return the record of checked values by attribute, or the first error among the values or from creating it."""
        for value in values.values():
            if type(value) is DecodeError:
                return value
        try:
            return self.record(**values)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  a record's own __post_init__
            return DecodeError(_raised(error))

    def encode_json(self, record: Record) -> bytes:
        """Return the JSON object that decodes to this record."""
        return msgspec.json.encode(record)

    def json_schema(self) -> dict[str, Any]:
        """Return the record type as a JSON Schema (2020-12)."""
        return msgspec.json.schema(self.record)

    def _explain_json(self, data: bytes, error: Exception) -> DecodeError:
        if len(data) > EXPLAINED_BYTES:
            return DecodeError(f"{error} ({len(data):,} bytes)")
        try:
            decoded = msgspec.json.decode(data)
        except MALFORMED as malformed:
            return DecodeError(f"not a JSON object: {malformed} ({len(data)} bytes, starting {data[:40]!r})")
        if not isinstance(decoded, dict):
            return DecodeError(f"expected a JSON object, got {shorten(decoded)}", value=shorten(decoded))
        return self._explain(decoded, error)

    def _explain(self, decoded: dict[str, Any], error: Exception) -> DecodeError:
        """Return the error of the first field that does not fit, by converting one field at a time."""
        for declared in self.fields:
            name = declared.encode_name
            if name not in decoded:
                if declared.required:
                    return missing(name, declared.type, rename_remedy(declared, decoded))
                continue
            try:
                converted(finite(decoded[name]), declared.type)
            except KeyboardInterrupt:
                raise
            except BaseException:  # noqa: BLE001  a __post_init__ of a nested record
                remedy = optional_remedy(declared.type) if is_none_or_nan(decoded[name]) else ""
                return mismatch(name, declared.type, shorten(decoded[name]), remedy)
        return DecodeError(_raised(error))


def converted(value: Any, kind: Any) -> Any:
    """Convert a JSON value to a declared type.

    Raises:
        ValueError: the value does not fit. `msgspec.ValidationError` is a `ValueError`.
        OverflowError: the value is out of range.
    """
    typed = msgspec.convert(value, kind, str_keys=True)
    if is_infinite(typed):
        raise ValueError(f"{typed} is not a finite number")
    return typed


def is_infinite(value: Any) -> bool:
    """Return whether a value is a decimal that is NaN or infinite."""
    return isinstance(value, Decimal) and not value.is_finite()


def finite(value: Any) -> Any:
    """Return a JSON value with None for each NaN in it.

    Raises:
        ValueError: the value contains an infinite number.
    """
    if isinstance(value, float):
        if isinf(value):
            raise ValueError(f"{value!r} is not a finite number")
        return None if isnan(value) else value
    if isinstance(value, list):
        return [finite(item) for item in value]
    return {key: finite(item) for key, item in value.items()} if isinstance(value, dict) else value


def is_none_or_nan(value: Any) -> bool:
    """Return whether a value is missing: None, or the NaN that stands for it in data frames."""
    return value is None or (isinstance(value, float) and isnan(value))


def _raised(error: BaseException) -> str:
    """Return an exception's message, with its type unless it is a `ValueError` or a `TypeError`."""
    message = message_of(error)
    return message if isinstance(error, (ValueError, TypeError)) else f"{type(error).__name__}: {message}"


def _na_values(given: Iterable[str] | None) -> frozenset[str]:
    if given is None:
        return NA_VALUES
    words = frozenset([given] if isinstance(given, str) else given)
    if odd := [word for word in words if not isinstance(word, str)]:
        raise ConfigurationError(f"na_values= takes the text in the file: {str(odd[0])!r}, not {odd[0]!r}")
    return words | {""}
