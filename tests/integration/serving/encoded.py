"""Messages whose key and value Confluent's serializers wrote, in each format, with the schema ids in either place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from confluent_kafka import Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.message_factory import GetMessages

FIELDS = {"House": {"house": "string"}, "Reading": {"number": "long", "value": "double"}}
"""The fields of a key and of a value, with their types in Avro."""

JSON_TYPES = {"string": "string", "long": "integer", "double": "number"}
PROTOBUF_TYPES = {"string": "TYPE_STRING", "long": "TYPE_INT64", "double": "TYPE_DOUBLE"}
FORMATS = ("avro", "json-schema", "protobuf")
PLACES = ("prefix", "header")

Serialize = Callable[[dict[str, Any], SerializationContext], bytes]


class Sent(NamedTuple):
    """A message of the input."""

    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


class Encoder:
    """Encodes readings as Confluent's producers do.

    Args:
        client: of the registry.
        topic: the topic that the messages are for.
    """

    def __init__(self, client: SchemaRegistryClient, topic: str) -> None:
        self._client, self._topic = client, topic
        self._serializers: dict[tuple[str, str, str], Serialize] = {}

    def message(self, schema_format: str, place: str, number: int, house: str) -> Sent:
        """Return a reading of a house, with both schema ids in the same place."""
        headers: list[Any] = [("ce_id", f"e{number}".encode())]
        key, value = (
            self._serializer(schema_format, place, name)(
                fields, SerializationContext(f"{self._topic}.{schema_format}", part, headers)
            )
            for name, part, fields in (
                ("House", MessageField.KEY, {"house": house}),
                ("Reading", MessageField.VALUE, {"number": number, "value": number / 4}),
            )
        )
        return Sent(key, value, headers)

    def _serializer(self, schema_format: str, place: str, name: str) -> Serialize:
        known = schema_format, place, name
        if known not in self._serializers:
            self._serializers[known] = self._made(*known)
        return self._serializers[known]

    def _made(self, schema_format: str, place: str, name: str) -> Serialize:
        options: Any = {"schema.id.serializer": number_in_header} if place == "header" else {}
        fields = FIELDS[name]
        if schema_format == "protobuf":
            kind = protobuf_types()[f"readings.{name}"]
            serializer = ProtobufSerializer(kind, self._client, {"use.deprecated.format": False, **options})
            return lambda values, context: serializer(kind(**values), context)
        if schema_format == "json-schema":
            properties = ", ".join(f'"{field}": {{"type": "{JSON_TYPES[kind]}"}}' for field, kind in fields.items())
            text = f'{{"title": "{name}", "type": "object", "properties": {{{properties}}}}}'
            return JSONSerializer(text, self._client, conf=options)
        listed = ", ".join(f'{{"name": "{field}", "type": "{kind}"}}' for field, kind in fields.items())
        text = f'{{"type": "record", "name": "{name}", "fields": [{listed}]}}'
        return AvroSerializer(self._client, text, conf=options)


def number_in_header(payload: bytes, context: SerializationContext, schema_id: Any) -> bytes:
    """Put the number of a schema into the header; Confluent's own function needs a GUID, which Apicurio lacks."""
    assert isinstance(context.headers, list)
    context.headers.append((f"__{context.field}_schema_id", schema_id.id_to_bytes()))
    return payload


def protobuf_types() -> dict[str, Any]:
    """Return the message types, as generated code would have them; that of a value is the second of its file."""
    file = FileDescriptorProto(name="readings/reading.proto", package="readings", syntax="proto3")
    kinds: Any = FieldDescriptorProto
    for name, fields in FIELDS.items():
        message = file.message_type.add(name=name)
        for number, (field, kind) in enumerate(fields.items(), start=1):
            message.field.add(
                name=field, number=number, type=getattr(kinds, PROTOBUF_TYPES[kind]), label=kinds.LABEL_OPTIONAL
            )
    types: dict[str, Any] = GetMessages([file])
    return types


def produce_encoded(kafka: str, topic: str, messages: list[Sent]) -> None:
    """Send messages to the first partition, in order."""
    producer = Producer({"bootstrap.servers": kafka, "linger.ms": 0})
    for key, value, headers in messages:
        producer.produce(topic, value, key, 0, headers=[*headers])
    assert producer.flush(30) == 0
