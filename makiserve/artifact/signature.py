"""The named fields of a pipeline's items, and the MLflow signature of a model that takes them."""

from __future__ import annotations

import types
import warnings
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Union, get_args, get_origin

import numpy as np
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ColSpec, DataType, ParamSchema, Schema

from makiserve.artifact.input_types import Row
from makiserve.errors import ConfigurationError
from makiserve.records.emitted_fields import declared_types, field_names


def emitted_fields(kind: type[Any]) -> tuple[str, ...]:
    """Return the field names of a named tuple, Struct or dataclass, in order.

    Raises:
        ConfigurationError: the type is none of these.
    """
    names = field_names(kind)
    if names is None:
        raise ConfigurationError(
            f"the pipeline emits {kind.__qualname__}, but a model takes its inputs by name: emit a NamedTuple, "
            "makiserve.Record or dataclass"
        )
    return names


_OF_PYTHON: tuple[tuple[tuple[type, ...], DataType], ...] = (
    ((bool, np.bool_), DataType.boolean),  # before int: bool is a subclass of it
    ((int, np.integer), DataType.long),
    ((float, np.floating), DataType.double),
    ((str,), DataType.string),
    ((bytes,), DataType.binary),
    ((datetime, np.datetime64), DataType.datetime),
)


def input_schema(emitted: type[Any], inputs: tuple[str, ...], rows: Sequence[Row]) -> Schema:
    """Return the MLflow schema of these inputs.

    A few rows do not determine a type: a float may be whole by chance. So a field is an integer only if it is declared
    as one and no row lacks it. Any other number is a double. A field is optional if its declaration allows None or a
    row contains None.

    Args:
        emitted: the type of the items that the pipeline emits.
        inputs: the fields that the model takes, in order.
        rows: their values, at least one.

    Raises:
        ConfigurationError: a field has no single type that a model can take.
    """
    declared = declared_types(emitted)
    columns = zip(inputs, zip(*rows, strict=True), strict=True)
    return Schema([_column(name, declared.get(name), values) for name, values in columns])


def signature_from(schema: Schema, output: Any, params: ParamSchema | None = None) -> ModelSignature:
    """Return the signature of a model that takes `schema` and `params` and has returned `output`.

    Not every output that a service can publish has an MLflow schema. A list of one array per target, for example, has
    none, nor has a structured array. The signature then describes only the inputs.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # MLflow warns that integers may be missing, even for outputs
        try:
            outputs = infer_signature(model_output=output).outputs
            Schema.from_json(outputs.to_json())  # MLflow writes types that it cannot read: a structured array's
        except (MlflowException, TypeError, ValueError):
            outputs = None
    return ModelSignature(inputs=schema, outputs=outputs, params=params)


def _column(name: str, declared: Any, values: Sequence[Any]) -> ColSpec:
    hints = _alternatives(declared)
    seen = {type(value) for value in values}
    optional = type(None) in hints | seen
    kinds = {_data_type(kind) for kind in (hints | seen) - {type(None)}}
    if kinds == {DataType.long} and (optional or not hints):
        kinds = {DataType.double}
    if kinds == {DataType.long, DataType.double}:
        kinds = {DataType.double}
    if len(kinds) != 1 or None in kinds:
        type_names = ", ".join(sorted(kind.__name__ for kind in hints | seen)) or "nothing"
        raise ConfigurationError(
            f"feature {name!r} has type {type_names}, but a model's input must be a number, bool, string, bytes or "
            "datetime. Change its type in the class that the pipeline emits, or leave it out with log_model(…, "
            "inputs=[…])"
        )
    return ColSpec(kinds.pop(), name, required=not optional)


def _alternatives(declared: Any) -> set[type]:
    """Return the types of a declaration, including None's; empty if it does not name plain types."""
    options = get_args(declared) if get_origin(declared) in (Union, types.UnionType) else (declared,)
    return {option for option in options if _data_type(option) or option is type(None)}


def _data_type(kind: Any) -> DataType | None:
    if not isinstance(kind, type):
        return None
    return next((data_type for accepted, data_type in _OF_PYTHON if issubclass(kind, accepted)), None)
