"""The types of a model's inputs, and the type check of a row, which is independent of all other rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from mlflow.types import DataType

from makiserve.errors import PredictError
from makiserve.stream.columns.column import KINDS as ARRAYS
from makiserve.stream.columns.column import Column, Items, Rows
from makiserve.stream.columns.items import ColumnItems

Row = tuple[Any, ...]

TEXT = pd.Series(["text"]).dtype  # pandas' dtype for text in a training frame: str since 3.0, object before


TYPES = {np.dtype(array): kind for kind, array in ARRAYS.items()}
"""The Python type of the values in a typed array."""


class Kind(NamedTuple):
    """The accepted values and the column dtype of one signature type.

    Attributes:
        accepts: the accepted Python and numpy types.
        dtype: the column's dtype.
        with_missing: the dtype of an optional column. It must not depend on whether a value is actually missing.
    """

    accepts: tuple[type, ...]
    dtype: Any
    with_missing: Any


NUMBER = (int, float, np.integer, np.floating)
INTEGER = (int, np.integer)
KINDS = {
    DataType.double: Kind(NUMBER, np.float64, np.float64),
    DataType.float: Kind(NUMBER, np.float32, np.float32),
    DataType.long: Kind(INTEGER, np.int64, np.float64),
    DataType.integer: Kind(INTEGER, np.int32, np.float64),
    DataType.boolean: Kind((bool, np.bool_), np.bool_, object),
    DataType.string: Kind((str,), TEXT, TEXT),
    DataType.binary: Kind((bytes,), object, object),
    DataType.datetime: Kind((datetime, np.datetime64), "datetime64[ns]", "datetime64[ns]"),
}


class InputColumn(NamedTuple):
    """One input of the model: its name, its type in the signature, and whether a value may be missing."""

    name: str
    type: DataType
    required: bool

    @property
    def dtype(self) -> Any:
        kind = KINDS[self.type]
        return kind.dtype if self.required else kind.with_missing

    def admits(self, kind: type) -> bool:
        """Return whether the column accepts values of this Python type."""
        if kind is type(None):
            return not self.required
        accepts = KINDS[self.type].accepts
        return issubclass(kind, accepts) and (kind is not bool or bool in accepts)


class Columns(tuple[InputColumn, ...]):
    """The inputs of a model, in order."""

    def __init__(self, columns: Iterable[InputColumn]) -> None:
        self.names = tuple(column.name for column in self)
        self._admitted: set[tuple[type, ...]] = set()

    @property
    def common_float(self) -> Any:
        """The dtype if all columns have the same floating-point type; None otherwise."""
        types = {column.type for column in self}
        return KINDS[types.pop()].dtype if types in ({DataType.double}, {DataType.float}) else None

    def check(self, row: Row) -> None:
        """Check the types of a row's values.

        Raises:
            PredictError: a required value is missing, or a value has another type.
        """
        kinds = tuple(map(type, row))
        if kinds not in self._admitted:
            for column, kind in zip(self, kinds, strict=True):
                if not column.admits(kind):
                    raise _refusal(column, kind)
            self._admitted.add(kinds)

    def refused(self, rows: ColumnItems) -> dict[int, PredictError]:
        """Return the rows that `check` rejects, by index, each with the error that it raises."""
        refused: dict[int, PredictError] = {}
        for column, values in zip(self, fields_of(rows), strict=True):
            for index, kind in _rejected(column, values):
                refused.setdefault(index, _refusal(column, kind))
        return refused


def fields_of(rows: ColumnItems) -> tuple[Items, ...]:
    """Return the columns of rows that are columns."""
    assert isinstance(rows.column, Rows)  # noqa: S101  as `input_rows` makes them
    return rows.column.fields


def _rejected(column: InputColumn, values: Items) -> Iterator[tuple[int, type]]:
    """Yield the index and type of each value that the column does not accept."""
    kind = TYPES.get(values.values.dtype) if isinstance(values, Column) else None
    if isinstance(values, Column) and kind is not None:
        missing = np.zeros(len(values), np.bool_) if values.missing is None else values.missing
        for value_type, mask in ((kind, ~missing), (type(None), missing)):
            if not column.admits(value_type):
                yield from ((index, value_type) for index in np.flatnonzero(mask).tolist())
        return
    kinds = list(map(type, values.items()))
    rejected = {kind for kind in set(kinds) if not column.admits(kind)}
    yield from ((index, kind) for index, kind in enumerate(kinds) if kind in rejected)


def _refusal(column: InputColumn, kind: type) -> PredictError:
    if kind is type(None):
        return PredictError(f"feature {column.name!r} is missing (None), and the model's signature requires it")
    return PredictError(
        f"feature {column.name!r}: the model's signature asks for {column.type.name}, got {kind.__name__}"
    )
