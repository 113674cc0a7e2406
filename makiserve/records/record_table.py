"""Records of a file as columns. An object is made for a record only when the record itself is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import repeat
from operator import is_
from typing import Any, NamedTuple, overload

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from makiserve.errors import DecodeError
from makiserve.records.record import Record
from makiserve.records.times import TimeValues


class FieldValues(NamedTuple):
    """The values of a field.

    Attributes:
        values: float64, int64, bool or object; one for each record. Only float, int and bool have typed arrays.
        missing: a mask of the values that are None, for a typed array; None if the array has none.
    """

    values: NDArray[Any]
    missing: NDArray[np.bool_] | None = None

    def take(self, at: Any) -> FieldValues:
        """Return the values at these indexes, in this slice, or where this mask is true."""
        return FieldValues(self.values[at], None if self.missing is None else self.missing[at])

    def absent_mask(self) -> NDArray[np.bool_] | None:
        """Return a mask of the values that are None; None if there are none."""
        if self.values.dtype != object:
            return self.missing
        return _none_mask(self.values)

    def listed(self) -> list[Any]:
        """Return the Python values."""
        values: list[Any] = self.values.tolist()
        for index in () if self.missing is None else np.flatnonzero(self.missing).tolist():
            values[index] = None
        return values


class DictionaryValues:
    """The texts of a field as numbers in a dictionary, so that they become objects only if they are read.

    Args:
        codes: the number of each record's text.
        dictionary: the distinct texts, and None: `object[texts]`.
    """

    missing = None

    def __init__(self, codes: NDArray[Any], dictionary: NDArray[Any]) -> None:
        self.codes, self.dictionary = codes, dictionary

    @cached_property
    def values(self) -> NDArray[Any]:
        """The Python values: `object[records]`."""
        values: NDArray[Any] = self.dictionary[self.codes]
        return values

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, at: Any) -> DictionaryValues:
        """Return the values at these indexes, in this slice, or where this mask is true."""
        return DictionaryValues(self.codes[at], self.dictionary)

    def absent_mask(self) -> NDArray[np.bool_] | None:
        """Return a mask of the values that are None."""
        absent: NDArray[np.bool_] = _none_mask(self.dictionary)[self.codes]
        return absent

    def listed(self) -> list[Any]:
        """Return the Python values."""
        values: list[Any] = self.values.tolist()
        return values


FieldColumn = FieldValues | TimeValues | DictionaryValues
"""The values of a field whose records all fit."""

Cells = FieldColumn | list[Any]
"""The values of a field; a list if there may be a `DecodeError` among them."""


def _none_mask(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return a mask of the objects that are None."""
    return np.fromiter(map(is_, values, repeat(None)), np.bool_, len(values))


def objects(values: Iterable[Any], size: int) -> FieldValues:
    """Return Python values as an array of objects."""
    return FieldValues(np.fromiter(values, object, size))


def field_values_of(column: pa.Array) -> FieldValues | DictionaryValues:
    """Return the values of an Arrow column of float64, int64, booleans or text, without an object for each value."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        encoded = column.dictionary_encode()
        texts = np.array([*encoded.dictionary.to_pylist(), None], object)
        return DictionaryValues(encoded.indices.fill_null(len(texts) - 1).to_numpy(), texts)
    if not column.null_count:
        return FieldValues(column.to_numpy(zero_copy_only=False))
    missing = column.is_null().to_numpy(zero_copy_only=False)
    return FieldValues(column.fill_null(False if pa.types.is_boolean(column.type) else 0).to_numpy(False), missing)


class RecordTable(Sequence["Record | DecodeError"]):
    """Records as columns, and a `DecodeError` for each that does not fit. It is equal to a list of the same records.

    Args:
        record: the record type, whose objects are made from the values of its fields without a check.
        fields: the values of each field, in the order of the declaration. Those of records with an error have no
            meaning.
        errors: the errors by index.
        size: the number of records.
    """

    def __init__(
        self, record: type[Record], fields: Mapping[str, FieldColumn], errors: Mapping[int, DecodeError], size: int
    ) -> None:
        self.record, self.fields, self.errors, self._size = record, fields, errors, size
        self._records: list[Record | DecodeError] | None = None

    __hash__ = None  # type: ignore[assignment]  # as for a list

    def __len__(self) -> int:
        return self._size

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, (list, RecordTable)) else NotImplemented

    def __iter__(self) -> Iterator[Record | DecodeError]:
        if self._records is None:
            values = [field.listed() for field in self.fields.values()]
            self._records = list(map(self.record, *values)) if values else [self.record() for _ in range(self._size)]
            for index, error in self.errors.items():
                self._records[index] = error
        return iter(self._records)

    @overload
    def __getitem__(self, index: int) -> Record | DecodeError: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Record | DecodeError]: ...
    def __getitem__(self, index: int | slice) -> Record | DecodeError | Sequence[Record | DecodeError]:
        if self._records is not None:
            return self._records[index]
        number = range(self._size)[index]
        if isinstance(number, range):
            return self.take(number)
        values = (field.take(slice(number, number + 1)).listed()[0] for field in self.fields.values())
        return self.errors[number] if number in self.errors else self.record(*values)

    def take(self, indexes: Sequence[int]) -> RecordTable:
        """Return the records at these indexes."""
        at: Any = np.asarray(indexes, np.int64)
        if isinstance(indexes, range) and indexes.step == 1:
            at = slice(indexes.start, indexes.stop)
        errors = {}
        if self.errors:
            errors = {new: self.errors[old] for new, old in enumerate(indexes) if old in self.errors}
        return RecordTable(
            self.record, {name: field.take(at) for name, field in self.fields.items()}, errors, len(indexes)
        )

    def values(self, attribute: str) -> list[Any]:
        """Return the values of a field; None for a record that does not fit."""
        values = self.fields[attribute].listed()
        for index in self.errors:
            values[index] = None
        return values


def records_at(records: Sequence[Record | DecodeError], indexes: Sequence[int]) -> Sequence[Record | DecodeError]:
    """Return the records at these indexes."""
    return records.take(indexes) if isinstance(records, RecordTable) else [records[index] for index in indexes]


def values_of(records: Sequence[Record | DecodeError], attribute: str) -> list[Any]:
    """Return an attribute of each record; None for a record that does not fit."""
    if isinstance(records, RecordTable) and attribute in records.fields:
        return records.values(attribute)
    return [None if isinstance(record, DecodeError) else getattr(record, attribute) for record in records]


def column_of(records: Sequence[Record | DecodeError], attribute: str) -> FieldColumn:
    """Return an attribute of each record as a column; None for a record that does not fit."""
    if isinstance(records, RecordTable) and attribute in records.fields and not records.errors:
        return records.fields[attribute]
    return objects(values_of(records, attribute), len(records))
