"""Schemas that refer to others, registered by Confluent's serializers in a real registry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from confluent_kafka.schema_registry import Schema, SchemaReference
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.message_factory import GetMessages

import makiserve
from makiserve.artifact import features_only
from makiserve.offline.sources import TopicSpan
from makiserve.testing.broker import RegistryServer
from tests.integration.serving.pipeline import Step
from tests.integration.serving.test_schema_registry import PIPELINE, Writer
from tests.integration.serving.test_schema_registry import _clients_are_closed as _clients_are_closed

PLACE = """{"type": "record", "name": "Place", "namespace": "places", "fields": [
    {"name": "name", "type": "string"}, {"name": "height", "type": "double"}]}"""
STEP = """{"type": "record", "name": "Step", "fields": [{"name": "place", "type": "places.Place"},
    {"name": "number", "type": "long"}, {"name": "value", "type": "double"}]}"""


def protobuf_step(topic: str, step: int, value: float) -> Any:
    """Return a message whose file imports another one."""
    kinds: Any = FieldDescriptorProto
    place = FileDescriptorProto(name=f"{topic}/place.proto", package="places", syntax="proto3")
    place.message_type.add(name="Place").field.add(name="name", number=1, type=kinds.TYPE_STRING, label=1)
    file = FileDescriptorProto(name=f"{topic}/step.proto", package="steps", syntax="proto3", dependency=[place.name])
    fields = file.message_type.add(name="Step").field
    fields.add(name="place", number=1, type=kinds.TYPE_MESSAGE, type_name=".places.Place", label=1)
    fields.add(name="number", number=2, type=kinds.TYPE_INT64, label=1)
    fields.add(name="value", number=3, type=kinds.TYPE_DOUBLE, label=1)
    messages = GetMessages([place, file])
    return messages["steps.Step"](place=messages["places.Place"](name="a"), number=step, value=value)


def test_schemas_that_refer_to_others_are_replayed(
    kafka: str, topic: Callable[..., str], registry: RegistryServer
) -> None:
    source = topic(1)
    writer = Writer(kafka, source, registry)
    writer.client.register_schema(f"{source}.place", Schema(PLACE, "AVRO"))
    referring = Schema(STEP, "AVRO", [SchemaReference("places.Place", f"{source}.place", 1)])
    avro = AvroSerializer(writer.client, referring)
    message = protobuf_step(source, 1, 2.5)
    protobuf = ProtobufSerializer(type(message), writer.client, {"use.deprecated.format": False})
    place = {"name": "a", "height": 1.0}
    writer.send(
        [
            avro(
                {"place": place, "number": 0, "value": 1.5}, SerializationContext(f"{source}.avro", MessageField.VALUE)
            ),
            protobuf(message, SerializationContext(f"{source}.protobuf", MessageField.VALUE)),
        ]
    )
    replayed = makiserve.replay(features_only(PIPELINE), TopicSpan(source, kafka, schema_registry=registry.url))
    expected = makiserve.replay(features_only(PIPELINE), [Step(0, 1.5), Step(1, 2.5)])
    assert replayed.outputs == expected.outputs
    assert len(replayed.outputs) == 2
    assert not replayed.dead
