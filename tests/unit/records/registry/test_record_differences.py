"""The first difference between a record type and a schema of the registry."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Literal

import pytest

from makiserve.errors import SourceError
from makiserve.records import Record, Schema, field
from makiserve.records.registry.client import RegisteredSchema
from makiserve.records.registry.schema_differences import first_difference


class Reading(Record):
    time: datetime
    power: float = field(name="power")
    floor: int | None = None
    kind: Literal["a", "b"] = "a"
    key: str = field(name="__key", default="")


def avro(**types: Any) -> RegisteredSchema:
    fields = [{"name": name, "type": kind} for name, kind in types.items()]
    return RegisteredSchema("AVRO", json.dumps({"type": "record", "name": "Reading", "fields": fields}))


TIME = {"type": "long", "logicalType": "timestamp-millis"}
GOOD = {"time": TIME, "power": "float", "floor": ["null", "int"], "kind": "string", "other": "string"}


def test_a_schema_that_fits_has_no_difference() -> None:
    assert first_difference(avro(**GOOD), Schema(Reading)) is None


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"power": "string"}, "field 'power' is str in the schema, and is declared as float"),
        ({"power": ["null", "double"]}, "field 'power' may be null or missing in the schema, and is declared as float"),
        ({"floor": ["null", "double"]}, "field 'floor' is float in the schema, and is declared as int | None"),
        ({"power": "boolean", "floor": "string"}, "field 'power' is bool in the schema, and is declared as float"),
    ],
)
def test_a_type_that_does_not_fit_is_named(changed: dict[str, Any], words: str) -> None:
    assert first_difference(avro(**GOOD | changed), Schema(Reading)) == words


@pytest.mark.parametrize(("name", "effect"), [("power", "records are dead letters"), ("floor", "it keeps its default")])
def test_a_missing_field_is_named_with_its_effect(name: str, effect: str) -> None:
    types = {title: kind for title, kind in GOOD.items() if title != name}
    difference = first_difference(avro(**types), Schema(Reading))
    assert difference
    assert difference.startswith(f"the schema has no field '{name}'")
    assert difference.endswith(effect)


def test_json_schema_and_protobuf_are_compared_too() -> None:
    properties = {"time": {"type": "string"}, "power": {"type": "string"}, "floor": {"type": "integer"}}
    text = json.dumps({"type": "object", "properties": properties, "required": ["time", "power"]})
    difference = first_difference(RegisteredSchema("JSON", text), Schema(Reading))
    assert difference == "field 'power' is str in the schema, and is declared as float"
    proto = 'syntax = "proto3"; message Reading { string time = 1; double power = 2; string floor = 3; }'
    difference = first_difference(RegisteredSchema("PROTOBUF", proto), Schema(Reading))
    assert difference == "field 'floor' is str in the schema, and is declared as int | None"


def test_field_found_by_another_name_is_not_a_difference() -> None:
    fields = [{"name": "watts", "type": "double", "aliases": ["power"]}, {"name": "time", "type": TIME}]
    fields += [{"name": name, "type": GOOD[name]} for name in ("floor", "kind")]
    schema = json.dumps({"type": "record", "name": "Reading", "fields": fields})
    assert first_difference(RegisteredSchema("AVRO", schema), Schema(Reading)) is None

    class Camel(Record):
        windSpeed: float

    proto = 'syntax = "proto3"; message Reading { double wind_speed = 1; }'
    assert first_difference(RegisteredSchema("PROTOBUF", proto), Schema(Camel)) is None


def test_an_optional_protobuf_field_may_be_missing() -> None:
    class Row(Record):
        power: float

    proto = 'syntax = "proto3"; message Row { optional double power = 1; }'
    difference = first_difference(RegisteredSchema("PROTOBUF", proto), Schema(Row))
    assert difference == "field 'power' may be null or missing in the schema, and is declared as float"


def test_a_schema_of_something_else_is_an_error() -> None:
    with pytest.raises(SourceError, match="not a record"):
        first_difference(RegisteredSchema("AVRO", '"string"'), Schema(Reading))
