"""Choose the fields that go to the model, and build its input table from rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from mlflow.pyfunc import PythonModel
from mlflow.types import ColSpec, DataType, Schema, TensorSpec
from mlflow.types.schema import Map, Object
from numpy.typing import NDArray

from makiserve.artifact.categories import Categories, category_column
from makiserve.artifact.input_types import TYPES, Columns, InputColumn, Row, fields_of
from makiserve.errors import ConfigurationError, ModelRefused
from makiserve.stream.columns.column import Column, Items
from makiserve.stream.columns.items import ColumnItems, as_floats


def choose_inputs(
    model: Any, titles: Mapping[str, str], *, given: Sequence[str] | None, signature: Any = None
) -> tuple[str, ...]:
    """Return the inputs of a model by their names, in its order.

    Args:
        model: the model, which may know the names that it was fitted with, or their number.
        titles: the names of the features that the pipeline emits, by attribute. A name differs from its attribute if
            `makiserve.field(name=…)` sets it.
        given: the inputs that the user asks for, by name or attribute; None to determine them.
        signature: an MLflow signature from the user. If its inputs have names, these are the model's inputs.

    Raises:
        ConfigurationError: the pipeline does not emit one of the names, or the inputs cannot be determined. A
            `PythonModel` gets all features; any other model must declare its inputs.
    """
    emitted = tuple(titles.values())
    given = [titles.get(name, name) for name in given or ()]
    schema = getattr(signature, "inputs", None)
    declared = schema.input_names() if schema is not None and schema.has_input_names() else None
    if given and declared and set(given) != set(declared):
        raise ConfigurationError(
            f"inputs={list(given)} do not match the inputs of the signature, {list(declared)}: leave out one of the two"
        )
    fitted = _as_emitted(_fitted_names(model) or (), emitted)
    names = tuple(declared or given or fitted or _all_emitted(model, emitted))
    if absent := [name for name in names if name not in emitted]:
        raise ConfigurationError(
            f"the model takes {', '.join(map(repr, absent))}, which the pipeline does not emit; it emits "
            f"{', '.join(map(repr, emitted))}. To give a feature the model's name, declare it with "
            f"makiserve.field(name={absent[0]!r}) in the class that the pipeline emits"
        )
    return names


def _fitted_names(model: Any) -> list[str] | None:
    for attribute in ("feature_names_in_", "feature_names", "feature_name"):  # scikit-learn, Boosters
        names = getattr(model, attribute, None)
        names = names() if callable(names) else names
        if names is not None and not set(names) <= _default_names(names):
            return [str(name) for name in names]
    return None


def _as_emitted(names: Iterable[str], emitted: Sequence[str]) -> list[str]:
    """Return the features with these names; LightGBM replaces a space in a name by an underscore."""
    of_lightgbm = {name.replace(" ", "_"): name for name in emitted}
    return [name if name in emitted else of_lightgbm.get(name, name) for name in names]


def _default_names(names: Sequence[str]) -> set[str]:
    """Return the names that LightGBM gives to the columns of a matrix."""
    return {f"Column_{index}" for index in range(len(names))}


def _width(model: Any) -> int | None:
    """Return the number of features of a model that does not name them; None if it is unknown."""
    graph = getattr(model, "graph", None)
    if graph is not None and len(getattr(graph, "input", ())) == 1:  # an ONNX model with one input tensor
        dimensions = graph.input[0].type.tensor_type.shape.dim
        return dimensions[1].dim_value if len(dimensions) == 2 else None
    number = getattr(model, "num_feature", None)  # a LightGBM Booster
    return number() if callable(number) else getattr(model, "n_features_in_", None)


def _all_emitted(model: Any, emitted: tuple[str, ...]) -> tuple[str, ...]:
    expected = _width(model)
    if expected == len(emitted) or isinstance(model, PythonModel | str | Path):
        return emitted
    takes = "does not declare its inputs" if expected is None else f"takes {expected} features without naming them"
    raise ConfigurationError(
        f"the model {takes}, and the pipeline emits {len(emitted)} ({', '.join(map(repr, emitted))}): "
        "pass inputs=[…] with the names in the model's order (with makiserve attach: --input NAME for each)"
    )


Build = Callable[[Sequence[Row]], Any]

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
"""The type of a tensor's values, by the kind of its dtype."""


@dataclass(frozen=True)
class InputTable:
    """The conversion of rows to the model's input.

    Attributes:
        columns: the columns of a row.
        build: builds the input from rows, each of which has passed `columns.check`. From rows that are columns,
            `ColumnItems`, it builds the same input without a tuple for each row.
    """

    columns: Columns
    build: Build


def table_from_schema(
    schema: Schema, inputs: tuple[str, ...], categories: Categories = NONE, *, bare: bool = False
) -> InputTable:
    """Return the input table for an MLflow input schema. Its names, if any, are `inputs` in any order.

    Args:
        schema: the model's input schema.
        inputs: the names of the features for the model.
        categories: the categories of the inputs that are category columns.
        bare: whether to build a matrix without names instead of a frame of floating-point numbers.

    Raises:
        ModelRefused: the schema asks for something other than a table of plain values.
    """
    try:
        table = (
            _of_tensors(schema.inputs, inputs)
            if schema.is_tensor_spec()
            else _of_columns(schema, inputs, categories, bare=bare)
        )
    except (KeyError, ValueError):
        table = None
    if table is None:
        raise ModelRefused(
            f"the model's signature requires {schema}, but a service passes a table of plain values with the "
            f"columns {', '.join(inputs)}. Log the model with a signature that has these columns"
        )
    return table


def _of_columns(schema: Schema, inputs: tuple[str, ...], categories: Categories, *, bare: bool) -> InputTable | None:
    specs = schema.inputs
    if len(specs) == 1 and isinstance(specs[0].type, Object | Map):
        return _of_objects(specs[0], inputs)
    names = schema.input_names() if schema.has_input_names() else inputs
    if sorted(names) != sorted(inputs) or len(specs) != len(inputs):
        return None
    columns = Columns(
        InputColumn(name, DataType(spec.type), spec.required) for name, spec in zip(names, specs, strict=True)
    )
    return InputTable(columns, _frame(columns, categories, bare=bare))


def _of_objects(spec: ColSpec, inputs: tuple[str, ...]) -> InputTable | None:
    """Return the table for a list of objects, which the type hints of a `PythonModel` may ask for."""
    if isinstance(spec.type, Object):
        fields = spec.type.properties
        columns = Columns(InputColumn(field.name, DataType(field.dtype), field.required) for field in fields)
    else:
        columns = Columns(InputColumn(name, DataType(spec.type.value_type), required=True) for name in inputs)
    names = columns.names
    if not set(names) <= set(inputs):
        return None
    return InputTable(columns, lambda rows: [dict(zip(names, row, strict=True)) for row in rows])


def _of_tensors(specs: list[TensorSpec], inputs: tuple[str, ...]) -> InputTable | None:
    """Return the table for a matrix with a column for each input, or for one tensor per input with one column."""
    spec, width = specs[0], len(inputs)
    if len(specs) == 1 and tuple(spec.shape) in ((-1, width), (-1, -1)):
        columns = Columns(InputColumn(name, TENSORS[spec.type.kind], required=True) for name in inputs)
        dtype, name = spec.type, spec.name
        return InputTable(columns, lambda rows: {name: _matrix(rows, dtype)} if name else _matrix(rows, dtype))
    named = {tensor.name: tensor for tensor in specs}
    if sorted(map(str, named)) != sorted(inputs) or not all(
        tuple(tensor.shape) in ((-1,), (-1, 1)) for tensor in specs
    ):
        return None
    columns = Columns(InputColumn(name, TENSORS[tensor.type.kind], required=True) for name, tensor in named.items())

    def tensors(rows: Sequence[Row]) -> dict[str, Any]:
        cells = zip(named.items(), _cells(rows, (tensor.type for tensor in named.values())), strict=True)
        return {name: np.array(values, tensor.type).reshape(tensor.shape) for (name, tensor), values in cells}

    return InputTable(columns, tensors)


def _frame(columns: Columns, categories: Categories, *, bare: bool) -> Build:
    dtype, names = columns.common_float, pd.Index(columns.names)
    if dtype is not None and bare:
        return lambda rows: _matrix(rows, dtype)
    if dtype is not None and not categories:
        # In column order, as pandas stores a frame read from a file: in row order BLAS may differ in the last bits.
        return lambda rows: pd.DataFrame(_matrix(rows, dtype, "F"), columns=names, copy=False)

    dtypes = [object if column.name in categories else column.dtype for column in columns]

    def series(column: InputColumn, values: Any) -> Any:
        if column.name in categories:
            return category_column(values, categories[column.name])
        return pd.Series(values, dtype=column.dtype)

    def frame(rows: Sequence[Row]) -> pd.DataFrame:
        cells = zip(columns, _cells(rows, dtypes), strict=True)
        return pd.DataFrame({column.name: series(column, values) for column, values in cells})

    return frame


def _cells(rows: Sequence[Row], dtypes: Iterable[Any]) -> Iterable[Sequence[Any] | NDArray[Any]]:
    """Return the values of each column, which will be converted to these types."""
    return map(_values, fields_of(rows), dtypes) if isinstance(rows, ColumnItems) else zip(*rows, strict=True)


def _values(column: Items, dtype: Any) -> Sequence[Any] | NDArray[Any]:
    """Return a column as an array if it converts to a type as its Python values do, or else these values."""
    if isinstance(column, Column) and column.values.dtype in TYPES:
        if dtype == np.float64:
            return as_floats(ColumnItems(column))
        if dtype == column.values.dtype and column.missing is None:
            return column.values
    return column.items()


def _matrix(rows: Sequence[Row], dtype: Any, order: Literal["C", "F"] = "C") -> NDArray[Any]:
    """Return rows as an array of one type. In an array of floats, None is nan."""
    if not isinstance(rows, ColumnItems) or not issubclass(np.dtype(dtype).type, np.floating):
        return np.array(list(rows), dtype, order=order)
    matrix = np.empty((len(rows), len(fields_of(rows))), dtype, order)
    for index, field in enumerate(fields_of(rows)):
        matrix[:, index] = np.array(_values(field, np.float64), dtype)
    return matrix
