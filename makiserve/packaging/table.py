"""The model's input, built from rows in the form that its signature asks for; compiled once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from mlflow.types import ColSpec, DataType, Schema, TensorSpec
from mlflow.types.schema import Map, Object

from makiserve.errors import ModelRefused
from makiserve.packaging.categories import Categories, category_column
from makiserve.packaging.columns import Column, Columns, Row

Build = Callable[[list[Row]], Any]

NONE: Categories = {}

TENSORS = {
    "f": DataType.double,
    "i": DataType.long,
    "u": DataType.long,
    "b": DataType.boolean,
    "U": DataType.string,
    "S": DataType.string,
    "O": DataType.string,
}
"""What stands in a tensor, by the kind of its dtype."""


@dataclass(frozen=True)
class Table:
    """Rows to the model's input.

    Attributes:
        columns: what a row must hold.
        build: makes the input of rows, each of which has passed `columns.check`.
    """

    columns: Columns
    build: Build


def table_from_schema(
    schema: Schema, inputs: tuple[str, ...], categories: Categories = NONE, *, bare: bool = False
) -> Table:
    """The table that an MLflow input schema asks for; its names, if it has any, are the inputs in another order.

    Args:
        schema: what the model takes.
        inputs: the names of the features for it.
        categories: of the inputs that are category columns.
        bare: whether a frame of floating-point numbers shall be a matrix without names.

    Raises:
        ModelRefused: it asks for something else than a table of plain values.
    """
    try:
        found = (
            _of_tensors(schema.inputs, inputs)
            if schema.is_tensor_spec()
            else _of_columns(schema, inputs, categories, bare=bare)
        )
    except (KeyError, ValueError):
        found = None
    if found is None:
        raise ModelRefused(
            f"the model's signature asks for {schema}; a service gives it a table of plain values with the columns "
            f"{', '.join(inputs)}"
        )
    return found


def _of_columns(schema: Schema, inputs: tuple[str, ...], categories: Categories, *, bare: bool) -> Table | None:
    specs = schema.inputs
    if len(specs) == 1 and isinstance(specs[0].type, Object | Map):
        return _of_objects(specs[0], inputs)
    names = schema.input_names() if schema.has_input_names() else inputs
    if sorted(names) != sorted(inputs) or len(specs) != len(inputs):
        return None
    columns = Columns(Column(name, DataType(spec.type), spec.required) for name, spec in zip(names, specs, strict=True))
    return Table(columns, _frame(columns, categories, bare=bare))


def _of_objects(spec: ColSpec, inputs: tuple[str, ...]) -> Table | None:
    """A list of objects, as a `PythonModel` asks for by its type hints."""
    if isinstance(spec.type, Object):
        found = [Column(each.name, DataType(each.dtype), each.required) for each in spec.type.properties]
    else:
        found = [Column(name, DataType(spec.type.value_type), required=True) for name in inputs]
    columns = Columns(found)
    names = columns.names
    if not set(names) <= set(inputs):
        return None
    return Table(columns, lambda rows: [dict(zip(names, row, strict=True)) for row in rows])


def _of_tensors(specs: list[TensorSpec], inputs: tuple[str, ...]) -> Table | None:
    """A matrix with a column for each input, with or without a name; or a tensor of one column for each input."""
    spec, width = specs[0], len(inputs)
    if len(specs) == 1 and tuple(spec.shape) in ((-1, width), (-1, -1)):
        columns = Columns(Column(name, TENSORS[spec.type.kind], required=True) for name in inputs)
        dtype, name = spec.type, spec.name
        return Table(columns, lambda rows: {name: np.array(rows, dtype)} if name else np.array(rows, dtype))
    named = {each.name: each for each in specs}
    if sorted(map(str, named)) != sorted(inputs) or not all(tuple(each.shape) in ((-1,), (-1, 1)) for each in specs):
        return None
    columns = Columns(Column(name, TENSORS[each.type.kind], required=True) for name, each in named.items())

    def tensors(rows: list[Row]) -> dict[str, Any]:
        cells = zip(named.items(), zip(*rows, strict=True), strict=True)
        return {name: np.array(values, each.type).reshape(each.shape) for (name, each), values in cells}

    return Table(columns, tensors)


def _frame(columns: Columns, categories: Categories, *, bare: bool) -> Build:
    dtype, names = columns.common_float, pd.Index(columns.names)
    if dtype is not None and bare:
        return lambda rows: np.array(rows, dtype)
    if dtype is not None and not categories:
        # By columns, as pandas stores a frame that was read: BLAS may differ in the last bits between the two orders.
        return lambda rows: pd.DataFrame(np.array(rows, dtype, order="F"), columns=names, copy=False)

    def series(column: Column, values: tuple[Any, ...]) -> Any:
        if column.name in categories:
            return category_column(values, categories[column.name])
        return pd.Series(values, dtype=column.dtype)

    def frame(rows: list[Row]) -> pd.DataFrame:
        cells = zip(columns, zip(*rows, strict=True), strict=True)
        return pd.DataFrame({column.name: series(column, values) for column, values in cells})

    return frame
