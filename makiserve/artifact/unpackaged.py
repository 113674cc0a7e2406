"""An MLflow model that was packaged without a pipeline: it gets one by name, or its records are the features."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, cast

import mlflow.pyfunc
import msgspec
from mlflow.models import Model
from mlflow.types import DataType, Schema

from makiserve.artifact.environment import environment_differences
from makiserve.artifact.fetch import Fetched
from makiserve.artifact.mlflow_predictor import MlflowPredictor
from makiserve.artifact.packaged import PackagedModel
from makiserve.artifact.reference.reference import Reference
from makiserve.artifact.source.collect import collect
from makiserve.errors import ModelRefused
from makiserve.records import Record
from makiserve.scoring.entry_point import find_pipeline
from makiserve.stream.engine.trace import trace

PYFUNC = "python_function"
TYPES: dict[DataType, type] = {
    DataType.double: float,
    DataType.float: float,
    DataType.long: int,
    DataType.integer: int,
    DataType.boolean: bool,
    DataType.string: str,
    DataType.binary: bytes,
    DataType.datetime: datetime,
}
"""The type of a record's field for each column type of a signature."""


def open_unpackaged(uri: str, fetched: Fetched, mlmodel: Model, features: str | None) -> PackagedModel:
    """Open a model with the pipeline of a name, as `find_pipeline` takes it, or with records built from its signature.

    Raises:
        ModelRefused: the model's signature does not name its inputs, or the model cannot be loaded.
        ConfigurationError: the pipeline does not exist.
    """
    schema = mlmodel.get_input_schema()
    names = _names(schema)
    if PYFUNC not in mlmodel.flavors or not names:
        raise ModelRefused(
            "an MLflow model without a feature pipeline and without a signature that names its inputs: add both "
            "with makiserve attach, or log it with makiserve.log_model(model, features=…, record=…, reference=…)"
        )
    differences = environment_differences(
        fetched.directory / "requirements.txt", mlmodel.flavors[PYFUNC].get("python_version", "")
    )
    predictor = _predictor(fetched, names, differences)
    digest, factory, plan = "", None, trace(None)
    if features:
        pipeline = find_pipeline(features)
        factory, record, plan = pipeline.features, pipeline.record, pipeline.plan()
        digest = collect(factory, record).sources.digest
    else:
        record = record_from_schema(schema)
    return PackagedModel(
        uri=uri,
        name=fetched.name,
        version=fetched.version,
        run_id=mlmodel.run_id,
        model_id=mlmodel.model_id,
        digest=digest,
        features=factory,
        record=record,
        plan=plan,
        post=None,
        predictor=predictor,
        reference=Reference((), ()),
        profile=None,
        emitted=() if features else record.__struct_fields__,
        sources=None,
        requirements=(),
        differences=differences,
        directory=fetched.directory,
        pipeline=features,
    )


def record_from_schema(schema: Schema) -> type[Record]:
    """Return the record type for a signature with named columns; each name is converted to a valid identifier.

    Raises:
        ModelRefused: a record cannot have a field of a column's type.
    """
    attributes = _identifiers(schema.input_names())
    fields: list[tuple[Any, ...]] = []
    for attribute, spec in zip(attributes, schema.inputs, strict=True):
        kind = TYPES.get(spec.type) if isinstance(spec.type, DataType) else None
        if kind is None:
            raise ModelRefused(
                f"its input {spec.name!r} has type {spec.type}, which a record cannot hold: give it a "
                "pipeline with --features"
            )
        fields.append((attribute, kind) if spec.required else (attribute, kind | None, None))
    rename = dict(zip(attributes, schema.input_names(), strict=True))
    is_ordered = sorted(fields, key=len) == fields
    options: dict[str, Any] = {"frozen": True, "rename": rename, "kw_only": not is_ordered}
    made: Any = msgspec.defstruct("Row", fields, bases=(Record,), **options)
    return cast("type[Record]", made)


def _names(schema: Schema | None) -> tuple[str, ...]:
    if schema is None or schema.is_tensor_spec() or not schema.has_input_names():
        return ()
    return tuple(schema.input_names())


def _predictor(fetched: Fetched, names: tuple[str, ...], differences: Iterable[str]) -> MlflowPredictor:
    try:
        pyfunc = mlflow.pyfunc.load_model(str(fetched.directory), suppress_warnings=True)
    except Exception as error:
        hint = "".join(f"\n  environment: {difference}" for difference in differences)
        raise ModelRefused(f"the model cannot be loaded here: {type(error).__name__}: {error}{hint}") from error
    return MlflowPredictor(pyfunc, names)


def _identifiers(names: Iterable[str]) -> list[str]:
    """Return a valid, unique Python identifier for each name."""
    identifiers: list[str] = []
    for name in names:
        identifier = re.sub(r"\W", "_", name)
        identifier = f"_{identifier}" if not identifier or identifier[0].isdigit() else identifier
        identifier = f"{identifier}_" if keyword.iskeyword(identifier) else identifier
        while identifier in identifiers:
            identifier += "_"
        identifiers.append(identifier)
    return identifiers
