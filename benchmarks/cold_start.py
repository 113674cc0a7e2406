"""A cold start with 1,000 schemas: one message of each, decoded with nothing cached, and a real schema registry."""

from __future__ import annotations

import io
import json
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import fastavro
from confluent_kafka.schema_registry import Schema as RegisteredSchema
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from benchmarks.decoding import DECLARED
from benchmarks.sidebyside import Contestant, race
from makiserve.records import Schema
from makiserve.records.avro import AvroDecoder, parse
from makiserve.records.registry import BackgroundLoader, DirectLoader, FormatDecoder, RegistryClient, load_decoder
from makiserve.records.registry.wire import id_prefix
from makiserve.testing.broker import RegistryServer, install_registry
from models.electricity.features import Reading

COUNT = 1_000
TIMEOUT = timedelta(seconds=30)


def run() -> None:
    """Decode one message of each schema.

    A service sends four requests at a time, a replay and Confluent's deserializer send one. Without requests, the time
    is that of parsing the schemas and compiling the decoders.
    """
    with tempfile.TemporaryDirectory() as folder, RegistryServer(install_registry(), Path(folder)) as registry:
        texts = [_text(number) for number in range(COUNT)]
        messages = _registered(registry.url, texts)
        _race(registry.url, texts, messages)


def _race(url: str, texts: list[str], messages: list[bytes]) -> None:
    schema = Schema(Reading)

    def in_background() -> None:
        with closing(BackgroundLoader(load_decoder(RegistryClient(url), schema, "auto"))) as loader:
            _decode_all(FormatDecoder(schema, loader), messages)

    def one_by_one() -> None:
        loader = DirectLoader(load_decoder(RegistryClient(url), schema, "auto"), TIMEOUT)
        _decode_all(FormatDecoder(schema, loader), messages)

    def by_confluent() -> None:
        context = SerializationContext("house", MessageField.VALUE)
        with closing(SchemaRegistryClient({"url": url})) as client:
            deserialize = AvroDeserializer(client)
            for message in messages:
                deserialize(message, context)

    contestants: dict[str, Callable[[], Any]] = {
        "as a service": in_background,
        "as a replay": one_by_one,
        "without requests": lambda: [AvroDecoder(parse(text), schema) for text in texts],
        "Confluent": by_confluent,
    }
    race(
        f"{COUNT:,} schemas, nothing cached",
        [Contestant(name, work, COUNT) for name, work in contestants.items()],
        rounds=3,
    )


def _text(number: int) -> str:
    """Return a schema of the electricity record that differs from the others in one field."""
    names = [*DECLARED, f"appliance_{number}"]
    fields = [{"name": name, "type": "long" if name == "time" else "double"} for name in names]
    return json.dumps({"type": "record", "name": "Reading", "fields": fields})


def _registered(url: str, texts: list[str]) -> list[bytes]:
    """Register each schema under its own subject, and return a message of each."""
    messages = []
    with closing(SchemaRegistryClient({"url": url})) as client:
        for number, text in enumerate(texts):
            schema_id = client.register_schema(f"house{number}-value", RegisteredSchema(text, "AVRO"))
            data = io.BytesIO()
            fastavro.schemaless_writer(data, json.loads(text), DECLARED | {f"appliance_{number}": 0.5})
            messages.append(id_prefix(schema_id) + data.getvalue())
    return messages


def _decode_all(decoder: FormatDecoder, messages: list[bytes]) -> None:
    """Decode as the loop of a worker does: up to the first message whose schema is not known, then again from there."""
    done = 0
    while done < len(messages):
        rest = messages[done:]
        decoded = decoder.decode(rest, [None] * len(rest))
        assert all(isinstance(record, Reading) for record in decoded.records)
        done += len(decoded.records)
        while decoded.awaited and not decoder.is_known(decoded.awaited):
            time.sleep(0.001)
