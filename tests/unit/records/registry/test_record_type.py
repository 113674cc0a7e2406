"""Record types from the schemas of a registry: what is written accepts what the schema describes."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

import pytest
from google.protobuf.message_factory import GetMessageClass

from makiserve.errors import DecodeError, SourceError
from makiserve.records import Schema
from makiserve.records.avro import parse
from makiserve.records.inference import InferredField, source_of
from makiserve.records.protobuf import ProtobufDecoder, compiled
from makiserve.records.registry.client import RegisteredSchema
from makiserve.records.registry.record_type import fields_of_json_schema, record_of_avro, record_of_schema
from tests.unit.records.test_inference import record_from

AVRO: dict[str, Any] = {
    "type": "record",
    "name": "a.Reading",
    "fields": [
        {"name": "time", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "power", "type": ["null", "double"]},
        {"name": "place", "type": {"type": "enum", "name": "Place", "symbols": ["A", "B"]}},
        {
            "name": "meters",
            "type": {
                "type": "array",
                "items": {"type": "record", "name": "Meter", "fields": [{"name": "id", "type": "string"}]},
            },
        },
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
        {"name": "mixed", "type": ["string", "long", "int"]},
    ],
}


def test_an_avro_schema_becomes_a_record_type() -> None:
    source = source_of(record_of_avro("Reading", "A message.", parse(json.dumps(AVRO))))
    assert 'place: Literal["A", "B"]' in source
    assert "meters: list[Meter]" in source
    assert "power: float | None = None" in source
    assert "mixed: str | int" in source
    schema = Schema(record_from(source, "Reading"))
    reading = schema.decode_json(
        b'{"time": "2013-01-01T00:00:00Z", "place": "A", "meters": [{"id": "7"}], "price": 1.5, "mixed": 5}'
    )
    assert (reading.meters[0].id, reading.power) == ("7", None)  # type: ignore[attr-defined]


def test_a_recursive_avro_schema_becomes_a_record_type() -> None:
    link = {"type": "record", "name": "Link", "fields": [{"name": "next", "type": ["null", "Link"]}]}
    writer = {"type": "record", "name": "Row", "fields": [{"name": "first", "type": link}]}
    source = source_of(record_of_avro("Row", "A message.", parse(json.dumps(writer))))
    row = Schema(record_from(source, "Row")).decode_json(b'{"first": {"next": {"next": null}}}')
    assert row.first.next.next is None  # type: ignore[attr-defined]


def test_schema_that_is_not_a_record_is_refused() -> None:
    with pytest.raises(SourceError, match="of the type string, not a record"):
        record_of_avro("Row", "", parse('"string"'))
    with pytest.raises(SourceError, match="has no properties"):
        fields_of_json_schema({"type": "array"})


def test_a_json_schema_becomes_fields() -> None:
    schema = {
        "properties": {
            "a": {"type": "integer"},
            "b": {"type": ["null", "number"]},
            "c": {"oneOf": [{"type": "null"}, {"type": "string", "format": "date-time"}]},
            "d": {"type": "array", "items": {"type": "string"}},
            "e": {},
        },
        "required": ["a", "b", "d", "e"],
    }
    assert fields_of_json_schema(schema) == [
        InferredField("a", "int", False),
        InferredField("b", "float", True),
        InferredField("c", "datetime", True),
        InferredField("d", "list[str]", False),
        InferredField("e", "Any", False),
    ]


PROTO = """syntax = "proto3";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
message Reading {
  enum Kind { RAIN = 0; SNOW = 1; }
  message Meter { string id = 1; Meter inner = 2; }
  int64 count = 1; optional double power = 2; bytes raw = 3; bool isOn = 4; Kind kind = 5;
  repeated Meter meters = 6; map<string, double> shares = 7; google.protobuf.Timestamp at = 8;
  google.protobuf.FloatValue wind = 9; oneof place { string room = 10; Meter meter = 11; }
  repeated Kind kinds = 12;
}"""


def test_a_protobuf_schema_becomes_a_record_type_that_reads_its_messages() -> None:
    inferred = record_of_schema("House", "A message.", RegisteredSchema("PROTOBUF", PROTO))
    kinds = 'Literal["RAIN", "SNOW"]'
    assert list(inferred.fields) == [
        InferredField("count", "int", False),
        InferredField("power", "float", True),
        InferredField("raw", "bytes", False),
        InferredField("isOn", "bool", False),
        InferredField("kind", kinds, False),
        InferredField("meters", "list[Meter]", False),
        InferredField("shares", "dict[str, float]", False),
        InferredField("at", "datetime", False),
        InferredField("wind", "float", True),
        InferredField("room", "str", True),
        InferredField("meter", "Meter", True),
        InferredField("kinds", f"list[{kinds}]", False),
    ]
    schema = compiled(PROTO)
    message = GetMessageClass(schema.message((0,)))(kind="SNOW", meters=[{"id": "7"}], shares={"a": 1}, kinds=[1])
    message.at.FromDatetime(datetime(2026, 1, 1, tzinfo=timezone.utc))
    record: Any = ProtobufDecoder(schema, Schema(record_from(source_of(inferred), "House"))).decode(
        b"\0" + message.SerializeToString()
    )
    assert (record.kind, record.meters[0].id, record.kinds, record.power) == ("SNOW", "7", ["SNOW"], None)
    assert (record.count, record.is_on, record.at.year) == (0, False, 2026)


@pytest.mark.parametrize(
    ("kind", "text", "error", "words"),
    [
        ("JSON", "{nope", DecodeError, "not a JSON Schema"),
        ("JSON", "[1]", SourceError, "has no properties"),
        ("AVRO", "{nope", DecodeError, "not an Avro schema"),
        ("PROTOBUF", "message {", DecodeError, "Protobuf"),
        ("XML", "<a/>", SourceError, "a schema of the kind XML is not known"),
    ],
)
def test_a_schema_that_cannot_be_read_is_an_error(kind: str, text: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        record_of_schema("Row", "", RegisteredSchema(kind, text))
