"""A value has the same JSON in every output format, read back by Confluent's own deserializers."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import msgspec
import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext
from hypothesis import given
from hypothesis import strategies as st

from makiserve.records.registry import KINDS, SchemaFormat, payload_encoder, with_id
from makiserve.scoring.output_type import SampleOutputs, native, output_type
from makiserve.scoring.plain import plain
from tests.examples import examples
from tests.unit.records.verdicts import Kind, Level

ZONED = datetime(2026, 11, 29, tzinfo=timezone.utc)
LONGS = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats()
TEXTS = st.text(max_size=8)
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    float: FLOATS,
    int: LONGS,
    bool: st.booleans(),
    str: TEXTS,
    bytes: st.binary(max_size=8),
    datetime: st.datetimes() | st.datetimes(timezones=st.just(timezone.utc)),
    date: st.dates(),
    time: st.times(),
    timedelta: st.timedeltas(timedelta(days=-40_000), timedelta(days=40_000)),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False, places=6, max_value=10**12, min_value=-(10**12)),
    UUID: st.uuids(),
    Level: st.sampled_from(Level),
    Kind: st.sampled_from(Kind),
    Literal["a", "5"]: st.sampled_from(["a", "5"]),
    Literal[5, 7]: st.sampled_from([5, 7]),
    float | None: st.none() | FLOATS,
    int | None: st.none() | LONGS,
    bool | None: st.none() | st.booleans(),
    str | None: st.none() | TEXTS,
    datetime | None: st.none() | st.datetimes(timezones=st.just(timezone.utc)),
    list[float]: st.lists(FLOATS, max_size=3),
    list[float | None]: st.lists(st.none() | FLOATS, max_size=3),
    dict[str, float]: st.dictionaries(TEXTS, FLOATS, max_size=3),
    dict[str, list[int]]: st.dictionaries(TEXTS, st.lists(LONGS, max_size=2), max_size=2),
}


def read_by_confluent(schema_format: SchemaFormat, text: str, encode: Any, item: Any) -> Any:
    """Register the schema, and return what Confluent's deserializer reads of an output."""
    client = SchemaRegistryClient.new_client({"url": "mock://outputs"})
    number = client.register_schema("out-value", Schema(text, KINDS[schema_format]))
    kind: Any = AvroDeserializer if schema_format == "avro" else JSONDeserializer
    deserialize = kind(client) if schema_format == "avro" else kind(None, schema_registry_client=client)
    return deserialize(with_id(number, encode)(item), SerializationContext("out", MessageField.VALUE))


@pytest.mark.slow
@pytest.mark.parametrize("schema_format", KINDS)
@pytest.mark.parametrize("kind", VALUES, ids=str)
@examples(15)
@given(data=st.data())
def test_output_value_read_by_confluent_has_the_json_of_plain_outputs(
    schema_format: SchemaFormat, kind: Any, data: st.DataObject
) -> None:
    value = data.draw(VALUES[kind])
    row: Any = msgspec.defstruct("Row", [("x", kind)])
    item, is_json = row(value), schema_format == "json-schema"
    seen = [item, row(ZONED)] if kind == datetime | None else [item]  # None alone does not show whether it has a zone
    made = output_type(SampleOutputs(seen, None), "Out", "house", is_json=is_json)
    payload = payload_encoder(schema_format, made, native)
    item_read = read_by_confluent(schema_format, payload.text, payload.encode, item)
    expected = json.loads(msgspec.json.encode(item, enc_hook=plain))
    assert repr(json.loads(msgspec.json.encode(item_read))) == repr(expected)
