"""The model's input, built from rows by the types of its signature: the same for any row, whatever its neighbours."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from mlflow.types import DataType, Schema, TensorSpec

from makiserve.errors import ModelRefused, PredictError

Row = tuple[Any, ...]

TEXT = pd.Series(["text"]).dtype  # what pandas makes of text in a training frame: str since 3.0, object before


class Kind(NamedTuple):
    """How values of one type of a signature are taken.

    Attributes:
        accepts: the Python and numpy types that are of it.
        dtype: of the column.
        with_missing: of the column where a value may be missing; it must not depend on whether one is.
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
TENSORS = {"f": DataType.double, "i": DataType.long}


class Column(NamedTuple):
    """One input of the model: its name, its type in the signature, and whether a value may be missing."""

    name: str
    type: DataType
    required: bool

    @property
    def dtype(self) -> Any:
        kind = KINDS[self.type]
        return kind.dtype if self.required else kind.with_missing

    def admits(self, kind: type) -> bool:
        """Whether a value of this Python type may stand in the column."""
        if kind is type(None):
            return not self.required
        accepts = KINDS[self.type].accepts
        return issubclass(kind, accepts) and (kind is not bool or bool in accepts)


class Table:
    """Rows to the model's input: a frame, or the bare matrix.

    Args:
        columns: the inputs, in order.
        dtype: of the matrix, for a model that takes one; None for a frame.
    """

    def __init__(self, columns: Iterable[Column], dtype: Any = None) -> None:
        self.columns = tuple(columns)
        self.names = tuple(column.name for column in self.columns)
        self._index = pd.Index(self.names)
        self._bare = dtype is not None
        self._dtype = dtype if dtype is not None else self._common_float()
        self._admitted: set[tuple[type, ...]] = set()

    @property
    def is_numeric(self) -> bool:
        """Whether all columns are floating-point numbers of one type."""
        return self._dtype is not None

    def bare(self) -> Table:
        """The same rows as a matrix without names; for numeric tables."""
        return Table(self.columns, self._dtype)

    def check(self, row: Row) -> None:
        """Refuse a row by the types of its values.

        Raises:
            PredictError: a required value is missing, or a value is of another type.
        """
        kinds = tuple(map(type, row))
        if kinds not in self._admitted:
            for column, kind in zip(self.columns, kinds, strict=True):
                if not column.admits(kind):
                    raise _refusal(column, kind)
            self._admitted.add(kinds)

    def build(self, rows: list[Row]) -> Any:
        """The model's input for these rows, each of which has passed `check`."""
        if self._dtype is None:
            values = zip(self.columns, zip(*rows, strict=True), strict=True)
            return pd.DataFrame({column.name: pd.Series(cells, dtype=column.dtype) for column, cells in values})
        matrix = np.array(rows, dtype=self._dtype)
        return matrix if self._bare else pd.DataFrame(matrix, columns=self._index, copy=False)

    def _common_float(self) -> Any:
        found = {column.type for column in self.columns}
        return KINDS[found.pop()].dtype if found in ({DataType.double}, {DataType.float}) else None


def table_from_schema(schema: Schema, inputs: tuple[str, ...]) -> Table:
    """The table that an MLflow input schema asks for; its names, if it has any, are the inputs in another order.

    Raises:
        ModelRefused: it asks for something else than a table of plain values.
    """
    specs = schema.inputs
    if schema.is_tensor_spec():
        return _table_from_tensors(specs, inputs)
    names = schema.input_names() if schema.has_input_names() else inputs
    types = [getattr(spec, "type", None) for spec in specs]
    if (
        sorted(names) != sorted(inputs)
        or len(specs) != len(inputs)
        or not all(isinstance(kind, DataType) for kind in types)
    ):
        raise _not_a_table(schema, inputs)
    return Table(Column(name, spec.type, spec.required) for name, spec in zip(names, specs, strict=True))


def _table_from_tensors(specs: list[TensorSpec], inputs: tuple[str, ...]) -> Table:
    spec = specs[0]
    kind = TENSORS.get(spec.type.kind)
    if len(specs) > 1 or spec.name or kind is None or tuple(spec.shape) not in ((-1, len(inputs)), (-1, -1)):
        raise _not_a_table(specs, inputs)
    return Table((Column(name, kind, required=True) for name in inputs), spec.type)


def _not_a_table(asked: Any, inputs: tuple[str, ...]) -> ModelRefused:
    return ModelRefused(
        f"the model's signature asks for {asked}; a service gives it a table of plain values with the columns "
        f"{', '.join(inputs)}"
    )


def _refusal(column: Column, kind: type) -> PredictError:
    if kind is type(None):
        return PredictError(f"feature {column.name!r} is missing (None), and the model's signature requires it")
    return PredictError(
        f"feature {column.name!r}: the model's signature asks for {column.type.name}, got {kind.__name__}"
    )
