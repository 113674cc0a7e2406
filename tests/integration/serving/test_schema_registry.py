"""Messages of Confluent's serializers, with a real broker and a real schema registry."""

from __future__ import annotations

import json
import signal
import uuid
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from confluent_kafka import Producer
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.message_factory import GetMessages

import makiserve
from makiserve.artifact import features_only
from makiserve.cli.record import record
from makiserve.errors import ConfigurationError
from makiserve.kafka import Connection
from makiserve.offline.audit import audit
from makiserve.offline.sources import TopicSpan
from makiserve.settings import AuditSettings, BrokerSettings
from makiserve.testing.broker import RegistryServer, install_registry
from tests.integration.serving.pipeline import Step
from tests.integration.serving.registry import Log
from tests.integration.serving.service import Service, read, sources

PIPELINE = "tests.integration.serving.pipeline:features"

FIRST = """{"type": "record", "name": "Step", "fields": [
    {"name": "note", "type": ["null", "string"], "default": null},
    {"name": "number", "type": "int"},
    {"name": "value", "type": "float"}]}"""

WIDENED = """{"type": "record", "name": "Step", "fields": [
    {"name": "number", "type": "long"},
    {"name": "place", "type": {"type": "enum", "name": "Place", "symbols": ["A", "B"]}, "default": "A"},
    {"name": "value", "type": "double"}]}"""

RENAMED = """{"type": "record", "name": "Step", "fields": [
    {"name": "number", "type": "long"},
    {"name": "amount", "type": ["double", "null"], "aliases": ["value"]}]}"""


def steps(count: int) -> list[tuple[int, float]]:
    return [(number, float(number % 5)) for number in range(count)]


CLIENTS: list[SchemaRegistryClient] = []


@pytest.fixture(autouse=True)
def _clients_are_closed() -> Iterator[None]:
    """Close Confluent's clients, which keep their sockets open."""
    yield
    while CLIENTS:
        CLIENTS.pop().close()


class Writer:
    """Writes to one partition of a topic as Confluent's producers do."""

    def __init__(self, kafka: str, topic: str, registry: RegistryServer) -> None:
        self.client = SchemaRegistryClient({"url": registry.url})
        CLIENTS.append(self.client)
        self.topic = topic
        self._producer = Producer({"bootstrap.servers": kafka, "linger.ms": 0})

    def write(self, schema: str, items: list[dict[str, Any]], partition: int = 0) -> list[bytes]:
        serializer = AvroSerializer(self.client, schema)
        context = SerializationContext(self.topic, MessageField.VALUE)
        values = [serializer(item, context) for item in items]
        self.send(values, partition)
        return values

    def send(self, values: list[bytes | None], partition: int = 0) -> None:
        for value in values:
            self._producer.produce(self.topic, value, partition=partition)
        assert self._producer.flush(30) == 0


def evolving(writer: Writer) -> Iterator[int]:
    """Write records of three schemas, each evolved from the one before; yield the number of records after each.

    The second schema widens both numbers, lacks a field and has another one; the third one renames a field by an alias
    and makes it nullable.
    """
    records = steps(60)
    writer.write(FIRST, [{"number": n, "value": v} for n, v in records[:20]])
    writer.client.set_compatibility(f"{writer.topic}-value", "NONE")
    yield 20
    writer.write(WIDENED, [{"number": n, "value": v, "place": "B"} for n, v in records[20:40]])
    yield 40
    writer.write(RENAMED, [{"number": n, "amount": v} for n, v in records[40:]])
    yield 60


def test_schema_that_evolves_is_served_and_audited(
    kafka: str,
    topic: Callable[..., str],
    service: Callable[..., Service],
    registry: RegistryServer,
) -> None:
    source, output = topic(1), topic(1)
    running = service(PIPELINE, source, output, "--schema-registry", registry.url)
    for count in evolving(Writer(kafka, source, registry)):
        outputs = read(kafka, output, enough=count)[0]
    code, log = running.stop(signal.SIGTERM)
    assert (code, "Traceback" in log) == (0, False)
    assert [json.loads(message.value())["total"] for message in outputs] == list(accumulate(v for _, v in steps(60)))
    broker = BrokerSettings(kafka, f"makiserve.{output}", schema_registry=registry.url)
    settings = AuditSettings(source, output, f"{output}.dead-letters")
    (audited,) = audit(features_only(PIPELINE), Connection(broker), settings)
    assert (audited.agree, audited.outputs.identical) == (True, 60)


def test_undecodable_messages_are_dead_letters_with_their_bytes(
    kafka: str,
    topic: Callable[..., str],
    service: Callable[..., Service],
    registry: RegistryServer,
) -> None:
    source, output = topic(1), topic(1)
    writer = Writer(kafka, source, registry)
    good = writer.write(FIRST, [{"number": 1, "value": 1.0}])[0]
    bad = [b"\x00\x7f\xff\xff\xff" + good[5:], b"\x05" + good[1:], good[:-1], good + b"x", None]
    writer.send([*bad, b'{"number": 2, "value": 1}', good])
    running = service(PIPELINE, source, output, "--schema-registry", registry.url)
    assert sources(read(kafka, output, enough=3, timeout=240)[0]) == [0, 6, 7]
    dead = read(kafka, f"{output}.dead-letters", enough=5)[0]
    assert [message.value() for message in dead] == bad
    errors = [dict(message.headers())["makiserve.error"].decode() for message in dead]
    for error, words in zip(
        errors,
        ["answers 404", "begins with the byte 0x05", "the data end early", "1 bytes left over", "no value"],
        strict=True,
    ):
        assert words in error
    assert running.stop()[0] == 0


def test_only_partitions_with_unknown_schemas_wait(
    kafka: str,
    topic: Callable[..., str],
    service: Callable[..., Service],
    tmp_path: Path,
) -> None:
    source, output = topic(2), topic(2)
    with RegistryServer(install_registry(), tmp_path) as registry:
        writer = Writer(kafka, source, registry)
        (known,) = writer.write(FIRST, [{"number": 1, "value": 1.0}], partition=0)
        running = service(PIPELINE, source, output, "--schema-registry", registry.url)
        log = Log(running)
        read(kafka, output, enough=1)
        unknown = b"\0\0\0\0\2" + known[5:]
        registry.kill()
        writer.send([unknown], partition=1)
        log.wait("; records of this schema wait for it, other partitions continue")
        writer.send([known] * 3, partition=0)
        outputs = read(kafka, output, enough=4)
        assert {number: len(messages) for number, messages in outputs.items()} == {0: 4, 1: 0}
        registry.start()
        again = Writer(kafka, source, registry)
        for schema in (WIDENED, FIRST):  # the second one has the id 2
            again.client.register_schema(uuid.uuid4().hex, Schema(schema, "AVRO"))
        assert len(read(kafka, output, enough=5)[1]) == 1
        assert log.end() == 0


def test_registry_down_at_start_exits_with_4(
    kafka: str, topic: Callable[..., str], service: Callable[..., Service]
) -> None:
    options = ("--schema-registry", "http://127.0.0.1:9", "--startup-timeout", "100ms")
    code, log = service(PIPELINE, topic(1), topic(1), *options).wait()
    assert code == 4
    assert "makiserve: the schema registry at http://127.0.0.1:9 does not answer: " in log
    assert "Traceback" not in log


JSON_SCHEMA = """{"title": "Step", "type": "object", "required": ["number", "value"],
    "properties": {"number": {"type": "integer"}, "value": {"type": "number"}, "note": {"type": "string"}}}"""


def protobuf_step(step: int, value: float) -> Any:
    """A message of a type that is made here, as generated code would make it."""
    file = FileDescriptorProto(name="steps/step.proto", package="steps", syntax="proto3")
    message = file.message_type.add(name="Step")
    for number, (name, kind) in enumerate({"number": "TYPE_INT64", "value": "TYPE_DOUBLE"}.items(), start=1):
        kinds: Any = FieldDescriptorProto
        message.field.add(name=name, number=number, type=getattr(kinds, kind), label=kinds.LABEL_OPTIONAL)
    return GetMessages([file])["steps.Step"](number=step, value=value)


def test_topic_with_mixed_schema_formats_is_replayed(
    kafka: str, topic: Callable[..., str], registry: RegistryServer
) -> None:
    source = topic(1)
    writer = Writer(kafka, source, registry)
    writer.write(FIRST, [{"number": 0, "value": 0.0}])
    first = protobuf_step(1, 1.0)
    protobuf = ProtobufSerializer(type(first), writer.client, {"use.deprecated.format": False})
    of_json = JSONSerializer(JSON_SCHEMA, writer.client)
    writer.send(
        [
            protobuf(first, SerializationContext(f"{source}.protobuf", MessageField.VALUE)),
            of_json({"number": 2, "value": 2.0}, SerializationContext(f"{source}.json", MessageField.VALUE)),
            b'{"number": 3, "value": 3}',
        ]
    )
    replayed = makiserve.replay(features_only(PIPELINE), TopicSpan(source, kafka, schema_registry=registry.url))
    expected = makiserve.replay(features_only(PIPELINE), [Step(number, float(number)) for number in range(4)])
    assert replayed.outputs == expected.outputs
    assert len(replayed.outputs) == 4


@pytest.mark.parametrize("name", ["avro", "json", "topic"])
def test_record_class_is_written_from_a_subject_and_a_topic(
    kafka: str, topic: Callable[..., str], registry: RegistryServer, name: str
) -> None:
    source = topic(1)
    writer = Writer(kafka, source, registry)
    writer.write(FIRST, [{"number": 0, "value": 0.0}])
    words = ["--subject", f"{source}-value"]
    if name == "json":
        of_json = JSONSerializer(JSON_SCHEMA, writer.client)
        of_json({"number": 2, "value": 2.0}, SerializationContext(f"{source}.json", MessageField.VALUE))
        words = ["--subject", f"{source}.json-value"]
    if name == "topic":
        words = [f"kafka:{source}", "--bootstrap-servers", kafka]
    ran = CliRunner().invoke(record, [*words, "--schema-registry", registry.url])
    assert ran.exit_code == 0, ran.output
    for line in ("    number: int\n", "    value: float\n", "    note: str | None = None\n"):
        assert line in ran.stdout


def test_record_class_of_a_topic_with_schemas_needs_the_registry(
    kafka: str, topic: Callable[..., str], registry: RegistryServer
) -> None:
    source = topic(1)
    writer = Writer(kafka, source, registry)
    writer.write(FIRST, [{"number": 0, "value": 0.0}])
    ran = CliRunner().invoke(record, [f"kafka:{source}", "--bootstrap-servers", kafka])
    assert isinstance(ran.exception, ConfigurationError)
    assert "names the schema " in str(ran.exception)
    assert "give --schema-registry" in str(ran.exception)


def test_topic_with_schemas_is_replayed(kafka: str, topic: Callable[..., str], registry: RegistryServer) -> None:
    source = topic(1)
    for _ in evolving(Writer(kafka, source, registry)):
        pass
    from_topic = makiserve.replay(features_only(PIPELINE), TopicSpan(source, kafka, schema_registry=registry.url))
    from_records = makiserve.replay(features_only(PIPELINE), [Step(number, value) for number, value in steps(60)])
    assert from_topic.outputs == from_records.outputs
    assert len(from_topic.outputs) == 60
