"""Encode state values as bytes and decode them: by type tag, never with pickle, and only types that the pipeline names.

Values of MessagePack's own types are stored as they are; every other value is a list whose first element is a tag. The
elements of a container are encoded together if their types allow it.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Collection, Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

import msgspec
import numpy as np
from numpy.lib.format import descr_to_dtype, dtype_to_descr

from makiserve.errors import StateError
from makiserve.stream.engine.codec_pandas import pandas_parts, pandas_value
from makiserve.stream.engine.codec_values import (
    factory_name,
    factory_of,
    fields_of,
    is_structured,
    structured,
    time_of,
    time_parts,
)
from makiserve.stream.engine.fold import Incomparable
from makiserve.stream.engine.scope import MISSING

SURROGATES = "x"
"""The tag of text with a lone surrogate."""

PLAIN = frozenset((float, int, str, bytes, bool, type(None)))
"""The types that MessagePack has; but its integers have at most 64 bits, and its text has no lone surrogates."""

FIELDED = (tuple, msgspec.Struct)
"""The structured types whose values are encoded field by field: named tuples and records."""

INT64 = range(-(2**63), 2**64)


def named_types(functions: Iterable[Any]) -> dict[str, type]:
    """Return the classes in the globals of the given functions' modules, by qualified name.

    A function that creates its types at run time lists them in an attribute `types`.
    """
    types: dict[str, type] = {}
    for function in functions:
        for value in (*getattr(function, "__globals__", {}).values(), *getattr(function, "types", ())):
            if isinstance(value, type) and is_structured(value):
                types[value.__qualname__] = value
    return types


class Codec:
    """Encodes and decodes values, given the structured types (named tuples, Structs, dataclasses, enums) to expect."""

    def __init__(self, types: dict[str, type]) -> None:
        self._types = types

    def to_plain(self, value: Any) -> Any:
        """Return the value in MessagePack's types.

        Raises:
            StateError: its type has no code.
        """
        kind = type(value)
        if kind in (float, str, bytes, bool, type(None)) or (kind is int and value in INT64):
            return value
        tagged = _TAGS.get(kind)
        if tagged is not None:
            tag, encode = tagged
            return [tag, *encode(value, self)]
        if self._types.get(kind.__qualname__) is kind:
            return ["T", kind.__qualname__, *map(self.to_plain, fields_of(value))]
        if (parts := pandas_parts(value)) is not None:
            return ["p", *parts]
        raise StateError(
            f"a value of type {kind.__module__}.{kind.__qualname__} cannot be saved in a checkpoint: use numbers, "
            "strings, tuples, or a NamedTuple, Record or dataclass that the pipeline's module defines or imports"
            f"{_coded_base(kind)}"
        )

    def from_plain(self, plain: Any) -> Any:
        """Return the value that `to_plain` encoded.

        Raises:
            StateError: it is damaged, or names a type that the pipeline does not name.
        """
        if not isinstance(plain, list):
            return plain if plain == plain else math.nan  # one object: a dict finds a NaN by its identity
        try:
            tag, *parts = plain
            if tag == "T":
                return self._structured(parts[0], [self.from_plain(part) for part in parts[1:]])
            return _DECODERS[tag](parts, self)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise StateError(f"a checkpoint has a value that cannot be read: {plain!r:.80}") from error

    def to_plains(self, values: Collection[Any]) -> Any:
        """Return values in MessagePack's types, without a call for each if all have these types or are of one record.

        Records and named tuples become a map with a list for each field; other values become a list.

        Raises:
            StateError: the type of one has no code.
        """
        kinds = set(map(type, values))
        if kinds <= PLAIN and (int not in kinds or all(value in INT64 for value in values if type(value) is int)):
            return list(values)
        kind = kinds.pop() if len(kinds) == 1 else None
        if kind is None or self._types.get(kind.__qualname__) is not kind or not issubclass(kind, FIELDED):
            return [self.to_plain(value) for value in values]
        rows = values if issubclass(kind, tuple) else map(msgspec.structs.astuple, values)
        fields = [self.to_plains(column) for column in zip(*rows, strict=True)]
        return {"type": kind.__qualname__, "fields": fields} if fields else [self.to_plain(value) for value in values]

    def from_plains(self, plains: Any) -> list[Any]:
        """Return the values that `to_plains` encoded.

        Raises:
            StateError: one is damaged, or names a type that the pipeline does not name.
        """
        if isinstance(plains, dict):
            return self._records(plains)
        kinds = set(map(type, plains))
        if kinds <= PLAIN and (float not in kinds or all(plain == plain for plain in plains)):
            return list(plains)
        return [self.from_plain(plain) for plain in plains]

    def _records(self, plains: dict[str, Any]) -> list[Any]:
        try:
            name, fields = plains["type"], [self.from_plains(column) for column in plains["fields"]]
            rows = list(zip(*fields, strict=True))
            return [self._structured(name, row) for row in rows]
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise StateError(f"a checkpoint has records that cannot be read: {plains!r:.80}") from error

    def _structured(self, name: str, fields: Iterable[Any]) -> Any:
        kind = self._types.get(name)
        if kind is None:
            raise StateError(f"a checkpoint has a value of type {name}, which the pipeline's module no longer has")
        return structured(kind, tuple(fields))


def pack(plain: Any) -> bytes:
    """Return what `Codec.to_plain` gave as bytes. Text with a lone surrogate, which has no UTF-8 form, is escaped."""
    try:
        return msgspec.msgpack.encode(plain)
    except UnicodeEncodeError:
        return msgspec.msgpack.encode(_escaped(plain))


def _escaped(plain: Any) -> Any:
    if isinstance(plain, list | tuple):
        return [_escaped(element) for element in plain]
    if isinstance(plain, dict):
        return {key: _escaped(value) for key, value in plain.items()}
    if isinstance(plain, str) and not plain.isascii():
        return [SURROGATES, plain.encode(errors="surrogatepass")]
    return plain


def _coded_base(kind: type) -> str:
    """Return the end of a message: the type with a code that a type is a subclass of; empty if there is none."""
    base = next((base for base in kind.__mro__[1:] if base in _TAGS), None)
    return f"; or use {base.__qualname__} itself instead of its subclass" if base else ""


def _array(parts: list[Any], codec: Codec) -> Any:
    description, shape, content = parts
    if isinstance(content, bytes):
        kind = description if isinstance(description, str) else descr_to_dtype(codec.from_plain(description))
        return np.frombuffer(content, dtype=kind).reshape(shape).copy()
    values = codec.from_plains(content)
    array = np.empty(len(values), object)
    for index, value in enumerate(values):  # an assignment of all would unpack values that are lists
        array[index] = value
    return array.reshape(shape)


def _array_parts(value: Any, codec: Codec) -> Iterable[Any]:
    if value.dtype == object:
        return [value.dtype.str, list(value.shape), codec.to_plains(value.ravel().tolist())]
    if value.dtype.hasobject:
        raise StateError("a structured array with objects cannot be saved in a checkpoint: use a list of named tuples")
    description = value.dtype.str if value.dtype.names is None else codec.to_plain(dtype_to_descr(value.dtype))
    return [description, list(value.shape), value.tobytes()]


def _scalar(parts: list[Any], _: Codec) -> Any:
    return np.frombuffer(parts[1], parts[0])[0]


def _split(value: dict[Any, Any], codec: Codec) -> list[Any]:
    return [codec.to_plains(value.keys()), codec.to_plains(value.values())]


def _joined(parts: list[Any], codec: Codec) -> dict[Any, Any]:
    return dict(zip(codec.from_plains(parts[0]), codec.from_plains(parts[1]), strict=True))


_CODES: list[tuple[str, type, Callable[[Any, Codec], Iterable[Any]], Callable[[list[Any], Codec], Any]]] = [
    ("t", tuple, lambda value, codec: [codec.to_plains(value)], lambda parts, codec: tuple(codec.from_plains(*parts))),
    ("l", list, lambda value, codec: [codec.to_plains(value)], lambda parts, codec: codec.from_plains(*parts)),
    ("s", set, lambda value, codec: [codec.to_plains(value)], lambda parts, codec: set(codec.from_plains(*parts))),
    (
        "f",
        frozenset,
        lambda value, codec: [codec.to_plains(value)],
        lambda parts, codec: frozenset(codec.from_plains(*parts)),
    ),
    ("d", dict, _split, _joined),
    ("C", Counter, _split, lambda parts, codec: Counter(_joined(parts, codec))),
    ("o", OrderedDict, _split, lambda parts, codec: OrderedDict(_joined(parts, codec))),
    (
        "g",
        defaultdict,
        lambda value, codec: [factory_name(value.default_factory), *_split(value, codec)],
        lambda parts, codec: defaultdict(factory_of(parts[0]), _joined(parts[1:], codec)),
    ),
    (
        "q",
        deque,
        lambda value, codec: [value.maxlen, codec.to_plains(value)],
        lambda parts, codec: deque(codec.from_plains(parts[1]), parts[0]),
    ),
    # In hexadecimal: Python refuses to write or read a decimal of more than 4300 digits.
    ("i", int, lambda value, _: [hex(value)], lambda parts, _: int(parts[0], 0)),
    (
        "c",
        complex,
        lambda value, _: [value.real, value.imag],
        lambda parts, _: complex(*parts),
    ),
    (
        "r",
        Fraction,
        lambda value, codec: [codec.to_plain(value.numerator), codec.to_plain(value.denominator)],
        lambda parts, codec: Fraction(codec.from_plain(parts[0]), codec.from_plain(parts[1])),
    ),
    ("U", UUID, lambda value, _: [value.bytes], lambda parts, _: UUID(bytes=parts[0])),
    ("m", Decimal, lambda value, _: [str(value)], lambda parts, _: Decimal(parts[0])),
    (
        "D",
        dt.datetime,
        lambda value, _: time_parts(value),
        lambda parts, _: time_of(dt.datetime, *parts),
    ),
    ("e", dt.date, lambda value, _: [value.isoformat()], lambda parts, _: dt.date.fromisoformat(parts[0])),
    ("h", dt.time, lambda value, _: time_parts(value), lambda parts, _: time_of(dt.time, *parts)),
    (
        "u",
        dt.timedelta,
        lambda value, _: [value.days, value.seconds, value.microseconds],
        lambda parts, _: dt.timedelta(*parts),
    ),
    ("a", np.ndarray, _array_parts, _array),
    ("S", np.str_, lambda value, _: [str(value)], lambda parts, _: np.str_(parts[0])),
    ("B", np.bytes_, lambda value, _: [bytes(value)], lambda parts, _: np.bytes_(parts[0])),
    ("M", type(MISSING), lambda value, _: [], lambda parts, _: MISSING),
    ("I", Incomparable, lambda value, _: [value.reason], lambda parts, _: Incomparable(parts[0])),
]
_SCALARS = (
    *(np.float64, np.float32, np.float16, np.complex128, np.complex64, np.bool_, np.datetime64, np.timedelta64),
    *(np.longdouble, np.clongdouble),
    *(np.int64, np.int32, np.int16, np.int8, np.uint64, np.uint32, np.uint16, np.uint8),
)
_CODES.extend(("n", kind, lambda value, _: [value.dtype.str, value.tobytes()], _scalar) for kind in _SCALARS)
_TAGS = {kind: (tag, encode) for tag, kind, encode, _ in _CODES}
_DECODERS = {tag: decode for tag, _, _, decode in _CODES}
_DECODERS["p"] = lambda parts, _: pandas_value(*parts)
_DECODERS[SURROGATES] = lambda parts, _: parts[0].decode(errors="surrogatepass")
