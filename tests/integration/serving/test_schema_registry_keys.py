"""Keys in Avro and CloudEvents of both modes, repartitioned and redriven, with a real broker and a real registry."""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Any, NamedTuple

import pytest
from confluent_kafka import Message, Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from sklearn.dummy import DummyRegressor

import makiserve
from makiserve.offline.sources import TopicSpan
from makiserve.testing.broker import RegistryServer
from tests.integration.serving.encoded import FORMATS, PLACES, Encoder, produce_encoded
from tests.integration.serving.keyed import REFERENCE, Reading, features
from tests.integration.serving.registry import Server, watching
from tests.integration.serving.service import Service, read
from tests.integration.serving.test_dead_letters import run
from tests.integration.serving.test_output_formats import read_by_confluent

Topic = Callable[..., str]
Start = Callable[..., Service]

PIPELINE = "tests.integration.serving.keyed:features"
FIELD = "__key.house"
PARTITIONS = 2
NUMBERS = range(24)
POISON = 13
"""The pipeline fails on the value of this reading, which is its number."""

KEY_SCHEMA = '{"type": "record", "name": "House", "fields": [{"name": "house", "type": "string"}]}'
VALUE_SCHEMA = """{"type": "record", "name": "Reading", "fields": [
    {"name": "number", "type": "long"}, {"name": "value", "type": "double"}]}"""


pytestmark = pytest.mark.timeout(3000)  # each wait has its own deadline


class Sent(NamedTuple):
    """A message of the input."""

    partition: int
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


def house_of(number: int) -> str:
    return "ab"[number % 2]


@pytest.fixture
def client(registry: RegistryServer) -> Iterator[SchemaRegistryClient]:
    registry_client = SchemaRegistryClient({"url": registry.url})
    yield registry_client
    registry_client.close()


def messages_of(client: SchemaRegistryClient, topic: str) -> list[Sent]:
    """Return an event for each number: binary with Avro, structured with Avro in Base64, and structured with JSON.

    Both houses are in both partitions.
    """
    keys, values = AvroSerializer(client, KEY_SCHEMA), AvroSerializer(client, VALUE_SCHEMA)
    sent = []
    for number in NUMBERS:
        key = keys({"house": house_of(number)}, SerializationContext(topic, MessageField.KEY))
        datum = {"number": number, "value": float(number)}
        avro = values(datum, SerializationContext(topic, MessageField.VALUE))
        attributes = {"specversion": "1.0", "id": f"e{number}", "source": "/meters", "type": "read"}
        if number % 3 == 0:
            headers = [("ce_" + name, text.encode()) for name, text in attributes.items()]
            sent.append(Sent(number // 2 % 2, key, avro, [*headers, ("content-type", b"application/avro")]))
            continue
        data: Any = {"data_base64": base64.b64encode(avro).decode()} if number % 3 == 1 else {"data": datum}
        structured = [("content-type", b"application/cloudevents+json; charset=UTF-8")]
        sent.append(Sent(number // 2 % 2, key, json.dumps(attributes | data).encode(), structured))
    return sent


def produce(kafka: str, topic: str, messages: list[Sent]) -> None:
    producer = Producer({"bootstrap.servers": kafka, "linger.ms": 0})
    for partition, key, value, headers in messages:
        producer.produce(topic, value, key, partition, headers=[*headers])
    assert producer.flush(30) == 0


def by_event(outputs: dict[int, list[Message]]) -> dict[Any, Message]:
    messages = [message for partition in outputs.values() for message in partition]
    events: dict[Any, Message] = {dict(message.headers() or ())["ce_id"]: message for message in messages}
    assert len(events) == len(messages)
    return events


def test_keys_and_events_are_repartitioned_and_written_as_avro(
    kafka: str,
    topic: Topic,
    service: Start,
    registry: RegistryServer,
    client: SchemaRegistryClient,
    tracking_uri: str,
) -> None:
    source, output = topic(PARTITIONS), topic(PARTITIONS)
    model = DummyRegressor(strategy="constant", constant=1.5).fit([[0.0] * 4] * 2, [1.0] * 2)
    logged = makiserve.log_model(
        model, features=features, record=Reading, reference=REFERENCE, pip_requirements=["scikit-learn"]
    )
    sent = messages_of(client, source)
    produce(kafka, source, sent)
    options = ["--schema-registry", registry.url, "--output-format", "avro", "--register-schemas"]
    options += ["--emit", "prediction,features", "--partition-by", FIELD]
    running = service(logged.model_uri, source, output, *options)
    written = read(kafka, output, enough=len(NUMBERS) - 1)
    events = by_event(written)
    assert running.stop()[0] == 0
    deserialize = AvroDeserializer(client)
    totals: dict[str, list[float]] = defaultdict(list)
    for number in NUMBERS:
        if number == POISON:
            assert f"e{number}".encode() not in events
            continue
        message = events[f"e{number}".encode()]
        made: Any = deserialize(message.value(), SerializationContext(output, MessageField.VALUE))
        assert made["prediction"] == 1.5
        row = made["features"]
        assert (row["number"], row["house"], row["event"]) == (number, house_of(number), f"e{number}")
        assert message.key() == sent[number].key
        headers = dict(message.headers())
        assert headers["content-type"] == b"application/avro"
        assert (headers["ce_source"], headers["ce_type"]) == (b"/meters", b"read")
        totals[row["house"]].append(row["total"])
    for house, house_totals in totals.items():
        expected = sum(number for number in NUMBERS if house_of(number) == house and number != POISON)
        assert max(house_totals) == expected  # both partitions of the house are one state
    (dead,) = (message for partition in read(kafka, f"{output}.dead-letters").values() for message in partition)
    assert (dead.key(), dead.value()) == (sent[POISON].key, sent[POISON].value)
    between = f"makiserve.{output}.by-{FIELD}"
    replayed = makiserve.replay(
        logged.model_uri,
        TopicSpan(between, kafka, schema_registry=registry.url),
        emit=("prediction", "features"),
    ).frame
    for partition, messages in written.items():
        rows = replayed[replayed["source"] == f"{between}[{partition}]"]
        values: list[Any] = [
            deserialize(message.value(), SerializationContext(output, MessageField.VALUE)) for message in messages
        ]
        assert list(rows["features.total"]) == [value["features"]["total"] for value in values]
        assert list(rows["features.event"]) == [value["features"]["event"] for value in values]
        assert list(rows["key"]) == [message.key() for message in messages]
    assert len(replayed) == len(NUMBERS) - 1


@pytest.mark.slow
@pytest.mark.parametrize("output_format", ["avro", "json-schema"])
def test_keys_and_values_of_every_format_survive_a_restart(
    kafka: str,
    topic: Topic,
    server: Server,
    registry: RegistryServer,
    client: SchemaRegistryClient,
    output_format: str,
) -> None:
    """Each third of the messages has each format, with the schema ids in front and in headers."""
    source, output = topic(1), topic(1)
    for constant in (1.5, 2.5):
        fitted = DummyRegressor(strategy="constant", constant=constant).fit([[0.0] * 4] * 2, [1.0] * 2)
        makiserve.log_model(
            fitted,
            features=features,
            record=Reading,
            reference=REFERENCE,
            registered_model_name="keyed",
            pip_requirements=["scikit-learn"],
        )
    encoder = Encoder(client, source)
    kinds = [(schema_format, place) for schema_format in FORMATS for place in PLACES]
    sent = [encoder.message(*kinds[number % len(kinds)], number, house_of(number)) for number in range(36)]
    options = ["--schema-registry", registry.url, "--output-format", output_format, "--register-schemas"]
    options += ["--emit", "prediction,features"]
    server.move("1", "keyed")
    with watching("keyed", kafka, source, output, server, options=options) as service_log:
        produce_encoded(kafka, source, sent[:12])
        read(kafka, output, enough=12)
        server.move("2", "keyed")
        service_log.wait("models:/keyed/1 → models:/keyed/2")
        produce_encoded(kafka, source, sent[12:24])
        read(kafka, output, enough=24)
        assert service_log.end() == 0
    with watching("keyed", kafka, source, output, server, options=options) as service_log:
        produce_encoded(kafka, source, sent[24:])
        (outputs,) = read(kafka, output, enough=36).values()
        assert service_log.end() == 0
    values = read_by_confluent(registry, output_format, output, outputs)
    assert [value["prediction"] for value in values] == [1.5] * 12 + [2.5] * 24
    rows = [value["features"] for value in values]
    assert [(row["number"], row["house"]) for row in rows] == [(number, house_of(number)) for number in range(36)]
    for house in "ab":
        house_rows = [row for row in rows if row["house"] == house]
        assert [row["total"] for row in house_rows] == list(accumulate(row["number"] / 4 for row in house_rows))
    assert [message.key() for message in outputs] == [message.key for message in sent]
    headers: list[dict[Any, Any]] = [dict(message.headers() or ()) for message in outputs]
    assert not any("__value_schema_id" in named for named in headers)
    in_header = ["__key_schema_id" in named for named in headers]
    assert in_header == [number % 2 == 1 for number in range(36)]
    span = TopicSpan(source, kafka, schema_registry=registry.url)
    replayed = makiserve.replay("models:/keyed/2", span, emit=("features",))
    assert [value["features"] for _, value in replayed.outputs] == rows


@pytest.mark.parametrize("options", [[], ["--partition-by", FIELD]], ids=["direct", "repartitioned"])
def test_redriven_records_keep_their_bytes_and_are_served(
    kafka: str,
    topic: Topic,
    service: Start,
    registry: RegistryServer,
    client: SchemaRegistryClient,
    options: list[str],
) -> None:
    source, output = topic(PARTITIONS), topic(PARTITIONS)
    dead = f"{output}.dead-letters"
    sent = messages_of(client, source)
    produce(kafka, source, sent)
    options = ["--schema-registry", registry.url, *options]
    mistaken = service(PIPELINE, source, output, *options, "--input-format", "protobuf")
    read(kafka, dead, enough=len(sent))
    assert mistaken.stop()[0] == 0
    assert f"{len(sent)} redriven to {source}" in run(kafka, dead, "--redrive")

    for number, messages in read(kafka, source, enough=2 * len(sent)).items():
        originals = [original for original in sent if original.partition == number]
        for redriven, message in zip(messages[len(originals) :], originals, strict=True):
            assert (redriven.key(), redriven.value()) == (message.key, message.value)
            assert redriven.headers() == [*message.headers, ("makiserve.redriven", b"1")]

    running = service(PIPELINE, source, output, *options)
    events = by_event(read(kafka, output, enough=len(sent) - 1))
    for number in set(NUMBERS) - {POISON}:
        written = events[f"e{number}".encode()]
        made = json.loads(written.value())
        assert (made["number"], made["house"], made["event"]) == (number, house_of(number), f"e{number}")
        assert written.key() == sent[number].key
    read(kafka, dead, enough=len(sent) + 1)
    assert f"1 redriven to {source}" in run(kafka, dead, "--reason", "operator", "--redrive")
    again = read(kafka, source, enough=2 * len(sent) + 1)[sent[POISON].partition][-1]
    assert (again.key(), again.value()) == (sent[POISON].key, sent[POISON].value)
    assert again.headers() == [*sent[POISON].headers, ("makiserve.redriven", b"2")]
    assert running.stop()[0] == 0
