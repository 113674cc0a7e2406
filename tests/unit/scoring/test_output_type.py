"""The types of outputs, and their values in formats with a schema, read back by other libraries."""

from __future__ import annotations

import enum
import io
import json
import math
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, Literal, NamedTuple
from uuid import UUID

import fastavro
import jsonschema
import msgspec
import numpy as np
import pandas as pd
import pytest

import makiserve
from makiserve.errors import ConfigurationError
from makiserve.records import Schema
from makiserve.records.avro import AvroDecoder, parse
from makiserve.records.registry import SchemaFormat, payload_encoder
from makiserve.scoring.output_type import SampleOutputs, native, output_type
from makiserve.scoring.plain import plain
from tests.loops import loop_over

ZONED = datetime(2026, 11, 28, 12, 0, 0, 250, tzinfo=timezone.utc)
LOCAL = datetime(2026, 11, 28, 12, 0, 0, 250)  # noqa: DTZ001  a time without a zone
FORMATS: list[SchemaFormat] = ["avro", "json-schema"]


class Colour(enum.Enum):
    RED = "red"


class Inner(makiserve.Record):
    number: int
    note: str | None = None


class Row(NamedTuple):
    ratio: float
    count: int  # type: ignore[assignment]  # as tuple.count
    extra: float | None
    label: Literal["a", "b"] = "a"


def encoder(*items: Any, is_json: bool = False, features: type | None = None) -> Any:
    kind = output_type(SampleOutputs(list(items), features), "Out", "house", is_json=is_json)
    return payload_encoder("json-schema" if is_json else "avro", kind, native)


def read_avro(text: str, data: bytes) -> Any:
    return fastavro.schemaless_reader(io.BytesIO(data), fastavro.parse_schema(json.loads(text)), None)


def read_back(schema_format: SchemaFormat, *items: Any) -> list[Any]:
    """Return the values as other libraries read them; JSON is validated by its schema."""
    payload = encoder(*items, is_json=schema_format == "json-schema")
    if schema_format == "avro":
        return [read_avro(payload.text, payload.encode(item)) for item in items]
    values = [json.loads(payload.encode(item)) for item in items]
    for value in values:
        jsonschema.validate(value, json.loads(payload.text))
    return values


VALUES: list[tuple[Any, Any, Any]] = [  # as predicted, as Avro gives it, as JSON gives it
    (1.5, 1.5, 1.5),
    (3, 3, 3),
    (True, True, True),
    ("text", "text", "text"),
    (b"\0\1", b"\0\1", "AAE="),
    (np.float32(0.5), 0.5, 0.5),
    (np.int64(7), 7, 7),
    (np.bool_(True), True, True),
    (np.array([1.0, 2.0]), [1.0, 2.0], [1.0, 2.0]),
    ([1, 2], [1, 2], [1, 2]),
    ({"low": 1.0, "high": 2.0}, {"low": 1.0, "high": 2.0}, {"low": 1.0, "high": 2.0}),
    ([{"a": 1}, {"a": 2}], [{"a": 1}, {"a": 2}], [{"a": 1}, {"a": 2}]),
    ({"élan vital": 1.0}, {"_lan_vital": 1.0}, {"élan vital": 1.0}),
    (ZONED, ZONED, "2026-11-28T12:00:00.000250Z"),
    (LOCAL, LOCAL, "2026-11-28T12:00:00.000250"),
    (pd.Timestamp(LOCAL), LOCAL, "2026-11-28T12:00:00.000250"),
    (date(2026, 11, 28), date(2026, 11, 28), "2026-11-28"),
    (time(12, 30), time(12, 30), "12:30:00"),
    (timedelta(days=1), "P1D", "P1D"),
    (Decimal("1.10"), "1.10", "1.10"),
    (UUID(int=7), str(UUID(int=7)), str(UUID(int=7))),
    (Colour.RED, "red", "red"),
    (Inner(1), {"number": 1, "note": None}, {"number": 1, "note": None}),
]


@loop_over(("value", "avro", "as_json"), VALUES, ids=[repr(value[0])[:30] for value in VALUES])
def test_other_libraries_read_what_is_written(value: Any, avro: Any, as_json: Any) -> None:
    assert read_back("avro", {"prediction": value}) == [{"prediction": avro}]
    (written,) = read_back("json-schema", {"prediction": value})
    assert written == {"prediction": as_json}


@loop_over("value", [value[0] for value in VALUES], ids=[repr(value[0])[:30] for value in VALUES])
def test_every_format_of_an_output_is_read_as_the_same_record(value: Any) -> None:
    """An audit compares outputs in any format in this way."""
    item = {"prediction": value}
    sample = SampleOutputs([item], None)
    kind: Any = output_type(sample, "Out", "house", is_json=True)
    schema = Schema(kind)
    avro = encoder(item)
    plain_json = msgspec.json.encode(item, enc_hook=plain)
    from_avro = AvroDecoder(parse(avro.text), schema).decode(avro.encode(item))
    assert from_avro == schema.decode_json(plain_json)
    assert from_avro == schema.decode_json(encoder(item, is_json=True).encode(item))


@pytest.mark.parametrize("schema_format", FORMATS)
def test_whole_numbers_of_a_declared_float_remain_floats(schema_format: SchemaFormat) -> None:
    kind = msgspec.defstruct("Row", [("ratio", float), ("count", int)])
    payload = encoder(kind(1, 2), is_json=schema_format == "json-schema")
    assert payload.encode(kind(1.5, 3))
    with pytest.raises(ValueError, match="count"):
        payload.encode(kind(1.5, 3.5))


@pytest.mark.parametrize("schema_format", FORMATS)
def test_an_optional_field_is_null_or_missing(schema_format: SchemaFormat) -> None:
    items = [{"a": 1, "b": None}, {"a": 2, "b": 3, "c": "x"}]
    rows = read_back(schema_format, *items)
    assert [(item["a"], item["b"], item.get("c")) for item in rows] == [(1, None, None), (2, 3, "x")]


def test_nan_is_nan_in_avro_and_null_in_json() -> None:
    item = {"prediction": math.nan}
    assert math.isnan(read_back("avro", item)[0]["prediction"])
    assert read_back("json-schema", item) == [{"prediction": None}]


@loop_over("schema_format", FORMATS)
@loop_over(
    ("seen", "other"), [(1, 1.5), (1, True), (1, None), (1.5, "1.5"), ("a", 1), ([1], ["a"]), ({"a": 1}, {"b": 1})]
)
def test_a_value_of_another_type_is_refused(schema_format: SchemaFormat, seen: Any, other: Any) -> None:
    payload = encoder({"prediction": seen}, is_json=schema_format == "json-schema")
    with pytest.raises((ValueError, TypeError)):
        payload.encode({"prediction": other})


def test_an_integer_of_more_than_64_bits_is_refused() -> None:
    with pytest.raises((OverflowError, ValueError)):
        encoder({"prediction": 1}).encode({"prediction": 1 << 70})


def test_the_schema_names_describes_and_types_the_parts() -> None:
    items = [{"prediction": 1.5, "features": msgspec.defstruct("Part", ["ratio", "count", "extra"])(1, 2, None)}]
    kind = output_type(SampleOutputs(items, Row), "HousePredictions", "house", is_json=False)
    schema = json.loads(payload_encoder("avro", kind, native).text)
    assert (schema["name"], schema["doc"]) == ("HousePredictions", "An output of house.")
    prediction, features = schema["fields"]
    assert prediction == {"name": "prediction", "type": "double", "doc": "The prediction of house."}
    assert features["type"]["name"] == "HousePredictionsFeatures"
    assert [(field["name"], field["type"]) for field in features["type"]["fields"]] == [
        ("ratio", "double"),
        ("count", "long"),
        ("extra", ["null", "double"]),
    ]


def test_the_json_schema_has_no_references() -> None:
    text = encoder({"prediction": 1.5, "features": {"a": 1}}, is_json=True).text
    assert "$ref" not in text
    assert json.loads(text)["properties"]["features"]["properties"] == {"a": {"type": "integer"}}


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([], "no reference records"),
        ([{"a": None}], "the type of OutA cannot be determined: the reference records give nothing but None"),
        ([{"a": 1}, {"a": "x"}], "give int and str"),
    ],
)
def test_an_unknown_type_is_an_error_with_a_remedy(items: list[Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        encoder(*items)
