"""Decode messages to records: Avro in Confluent's wire format, by makiserve and other libraries, and JSON."""

from __future__ import annotations

import io
import json
from typing import Any

import fastavro
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from benchmarks.sidebyside import Contestant, race
from makiserve.records import Schema
from makiserve.records.avro import AvroDecoder, parse
from makiserve.records.registry.format_decoder import FormatDecoder
from models.electricity.features import Reading

COUNT = 20_000
DECLARED = {"time": 1451624400, "temperature": 36.1, "pressure": 1016.9, "windSpeed": 9.1, "house_overall": 0.93}
WIDE = {f"appliance_{number}": number / 7 for number in range(25)}


def run() -> None:
    """Decode the fields that the electricity model declares, alone and among 25 nullable fields."""
    _race("5 fields, all declared", DECLARED)
    _race("30 fields, 5 declared", DECLARED | WIDE)


class SingleSchemaLoader:
    """A loader with the decoder of a single schema."""

    def __init__(self, decoder: AvroDecoder) -> None:
        self._decoder = decoder

    def get(self, key: bytes) -> AvroDecoder:
        return self._decoder


def _race(title: str, row: dict[str, Any]) -> None:
    writer = {
        "type": "record",
        "name": "Reading",
        "fields": [
            {"name": name, "type": "long" if name == "time" else "double" if name in DECLARED else ["null", "double"]}
            for name in row
        ],
    }
    client, schema = SchemaRegistryClient.new_client({"url": "mock://"}), Schema(Reading)
    context = SerializationContext("house", MessageField.VALUE)
    message = AvroSerializer(client, json.dumps(writer))(row, context)
    values: list[bytes | None] = [message] * COUNT
    ours = FormatDecoder(schema, SingleSchemaLoader(AvroDecoder(parse(json.dumps(writer)), schema)))
    headers = [None] * COUNT
    theirs, parsed = AvroDeserializer(client), fastavro.parse_schema(writer)
    objects: list[bytes | None] = [json.dumps(row | {"House overall [kW]": row["house_overall"]}).encode()] * COUNT
    assert ours.decode(values[:1], [None]).records == schema.decode_messages(objects[:1])
    race(
        f"{title}, in batches of {COUNT:,}",
        [
            Contestant("makiserve, Avro to records", lambda: ours.decode(values, headers), COUNT),
            Contestant("makiserve, JSON to records", lambda: schema.decode_messages(objects), COUNT),
            Contestant(
                "fastavro, to dicts",
                lambda: [fastavro.schemaless_reader(io.BytesIO(message[5:]), parsed, None) for _ in range(COUNT)],
                COUNT,
            ),
            Contestant(
                "Confluent's deserializer, to dicts",
                lambda: [theirs(message, context) for _ in range(COUNT // 10)],
                COUNT // 10,
            ),
        ],
    )
