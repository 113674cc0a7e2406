"""Records from messages whose key, or the attributes of a CloudEvent, are part of the record."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import fastavro
import pytest
from confluent_kafka import Message
from confluent_kafka.schema_registry import SchemaRegistryClient, header_schema_id_serializer
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf.message_factory import GetMessageClass

import makiserve
from makiserve.errors import ConfigurationError, DecodeError
from makiserve.kafka import direct_decoder
from makiserve.records import Schema
from makiserve.records.protobuf import compiled
from makiserve.records.unseen import UnseenFields
from makiserve.settings import BrokerSettings
from tests.unit.records.registry.fake import FakeRegistry, fake_registry

Headers = list[tuple[str, bytes]]


class Step(makiserve.Record):
    value: float
    event: str = makiserve.field(name="ce_id")
    time: datetime | None = makiserve.field(name="ce_time", default=None)


class Keyed(makiserve.Record):
    value: float
    house: str = makiserve.field(name="__key")


class Parts(makiserve.Record):
    value: float
    house: str = makiserve.field(name="__key.house")
    floor: int | None = makiserve.field(name="__key.floor", default=None)


class Numbered(makiserve.Record):
    value: float
    number: int = makiserve.field(name="__key")


BINARY: Headers = [("ce_specversion", b"1.0"), ("ce_id", b"e1"), ("ce_time", b"2026-11-28T12:00:00Z")]
STRUCTURED: Headers = [("content-type", b"application/cloudevents+json; charset=UTF-8")]
EXPECTED = Step(1.5, "e1", datetime(2026, 11, 28, 12, tzinfo=timezone.utc))
EVENT = {"specversion": "1.0", "id": "e1", "source": "/a", "type": "step", "time": "2026-11-28T12:00:00Z"}


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    with fake_registry() as registry:
        yield registry


def message(value: bytes | None, headers: Headers | None = None, key: bytes | None = b"k") -> Any:
    return Message(
        topic="in", partition=0, offset=0, key=key, value=value, headers=[*headers] if headers else [], timestamp=(1, 1)
    )


def decoded(record: type[makiserve.Record], *messages: Any, url: str | None = None) -> list[Any]:
    broker = BrokerSettings("b:9092", "g", schema_registry=url, startup_timeout=timedelta(milliseconds=10))
    return direct_decoder(Schema(record), broker).decode(messages).records


def words(record: type[makiserve.Record], *messages: Any, url: str | None = None) -> list[str]:
    errors = decoded(record, *messages, url=url)
    assert {type(error) for error in errors} == {DecodeError}
    return [str(error) for error in errors]


def avro(schema: Any, datum: Any) -> bytes:
    data = io.BytesIO()
    fastavro.schemaless_writer(data, fastavro.parse_schema(schema), datum)
    return data.getvalue()


def structured(**more: Any) -> Any:
    return message(json.dumps(EVENT | more).encode(), STRUCTURED)


def test_the_attributes_of_an_event_are_fields_in_both_modes() -> None:
    of_bytes = base64.b64encode(b'{"value": 1.5}').decode()
    messages = [
        message(b'{"value": 1.5}', BINARY),
        structured(data={"value": 1.5}),
        structured(data={"value": 1.5}, datacontenttype="application/vnd.step+json"),
        structured(data_base64=of_bytes),
    ]
    assert decoded(Step, *messages) == [EXPECTED] * 4


def test_an_event_is_decoded_by_a_record_that_declares_no_attribute() -> None:
    class Plain(makiserve.Record):
        value: float
        id: str | None = None

    assert decoded(Plain, message(b'{"value": 1}', BINARY), structured(data={"value": 1})) == [Plain(1.0)] * 2


def test_the_data_of_a_binary_event_may_be_avro(fake: FakeRegistry) -> None:
    schema = {"type": "record", "name": "Step", "fields": [{"name": "value", "type": "double"}]}
    fake.answers = {"/schemas/ids/7": (200, {"schema": json.dumps(schema)})}
    value = b"\0\0\0\0\7" + avro(schema, {"value": 1.5})
    assert decoded(Step, message(value, BINARY), url=fake.url) == [EXPECTED]


def test_an_event_that_does_not_fit_is_an_error_that_names_why() -> None:
    messages = [
        message(b'{"value": 1.5}'),
        message(b'{"value": 1.5}', [*BINARY[:2], ("ce_time", b"yesterday")]),
        structured(),
        structured(data="text", datacontenttype="text/plain"),
        structured(data_base64="?"),
        message(b'{"specversion": "1.0", ', STRUCTURED),
        message(None, STRUCTURED),
    ]
    for error, expected in zip(
        words(Step, *messages),
        [
            "field 'ce_id' is missing",
            "field 'ce_time': expected datetime.datetime | None, got \"yesterday\"",
            "the CloudEvent has no data",
            "the data of the CloudEvent are text/plain",
            "not Base64",
            "not a CloudEvent in JSON",
            "no value",
        ],
        strict=True,
    ):
        assert expected in error


def test_value_with_specversion_is_not_an_event_without_type() -> None:
    class Document(makiserve.Record):
        specversion: str

    assert decoded(Document, message(b'{"specversion": "1.0"}')) == [Document("1.0")]


def test_a_key_without_a_schema_is_text_a_json_value_or_an_object() -> None:
    value = b'{"value": 1}'
    assert decoded(Keyed, message(value, key=b"a b")) == [Keyed(1.0, "a b")]
    assert decoded(Numbered, message(value, key=b"12")) == [Numbered(1.0, 12)]
    assert decoded(Parts, message(value, key=b'{"house": "a", "other": 1}')) == [Parts(1.0, "a")]


def test_a_key_that_does_not_fit_is_an_error() -> None:
    value = b'{"value": 1}'
    assert "field '__key' is missing" in words(Keyed, message(value, key=None))[0]
    assert "not text in UTF-8" in words(Keyed, message(value, key=b"\xff"))[0]
    assert "not a JSON value" in words(Numbered, message(value, key=b"x"))[0]
    assert "the key of the message: not a JSON object" in words(Parts, message(value, key=b"["))[0]


@pytest.mark.parametrize("in_header", [False, True])
def test_keys_are_decoded_by_their_schemas(fake: FakeRegistry, in_header: bool) -> None:
    house = {"type": "record", "name": "House", "fields": [{"name": "house", "type": "string"}]}
    fake.answers = {
        "/schemas/ids/1": (200, {"schema": '"string"'}),
        "/schemas/ids/2": (200, {"schema": json.dumps(house)}),
        "/schemas/ids/3": (200, {"schema": "{}", "schemaType": "JSON"}),
        "/schemas/ids/4": (200, {"schema": '"long"'}),
    }

    def keyed(number: int, data: bytes) -> Any:
        prefix = b"\0\0\0\0" + bytes([number])
        headers = [("__key_schema_id", prefix)] if in_header else None
        return message(b'{"value": 1}', headers, key=data if in_header else prefix + data)

    assert decoded(Keyed, keyed(1, avro("string", "a")), url=fake.url) == [Keyed(1.0, "a")]
    assert decoded(Keyed, keyed(3, b'"a"'), url=fake.url) == [Keyed(1.0, "a")]
    assert decoded(Numbered, keyed(4, avro("long", 12)), url=fake.url) == [Numbered(1.0, 12)]
    assert decoded(Parts, keyed(2, avro(house, {"house": "a"})), url=fake.url) == [Parts(1.0, "a")]
    assert decoded(Parts, keyed(3, b'{"house": "a", "floor": 2}'), url=fake.url) == [Parts(1.0, "a", 2)]


def test_a_key_whose_schema_does_not_exist_is_an_error(fake: FakeRegistry) -> None:
    errors = words(Keyed, message(b'{"value": 1}', key=b"\0\0\0\0\7a"), url=fake.url)
    assert "the key of the message: " in errors[0]
    assert "404" in errors[0]


def test_a_schema_id_that_is_cut_off_names_the_part_of_the_message(fake: FakeRegistry) -> None:
    value = b'{"value": 1}'
    headers = [("__key_schema_id", b"\0\0")]
    assert "the key of the message: the key has no" in words(Keyed, message(value, key=b"\0\0"), url=fake.url)[0]
    assert "the header __key_schema_id has no" in words(Keyed, message(value, headers, key=b"x"), url=fake.url)[0]
    headers = [("__value_schema_id", b"\0\0")]
    assert "the header __value_schema_id has no" in words(Keyed, message(value, headers), url=fake.url)[0]


def test_a_record_declares_the_whole_key_or_its_fields() -> None:
    class Both(makiserve.Record):
        whole: str = makiserve.field(name="__key")
        part: str = makiserve.field(name="__key.a")

    with pytest.raises(ConfigurationError, match="one or the other"):
        decoded(Both)


def test_fields_of_the_context_are_never_reported_as_unseen() -> None:
    decoder = direct_decoder(Schema(Parts), BrokerSettings("b:9092", "g"))
    unseen = UnseenFields(Schema(Parts))
    decoder.mark_seen([message(b"{}")], unseen)
    assert unseen.names == frozenset()


def test_optional_fields_in_encoded_data_of_structured_events_are_seen(fake: FakeRegistry) -> None:
    class Measured(makiserve.Record):
        value: float
        place: str | None = None
        floor: int | None = None

    schema = {"type": "record", "name": "S", "fields": [{"name": n, "type": "double"} for n in ("value", "floor")]}
    fake.answers = {"/schemas/ids/7": (200, {"schema": json.dumps(schema)})}
    in_avro = b"\0\0\0\0\7" + avro(schema, {"value": 1.5, "floor": 2.0})
    for url, data, missing in (
        (fake.url, in_avro, {"place"}),
        (None, b'{"value": 1.5, "place": "a"}', {"floor"}),
    ):
        decoder = direct_decoder(Schema(Measured), BrokerSettings("b:9092", "g", schema_registry=url))
        unseen = UnseenFields(Schema(Measured))
        decoder.mark_seen([structured(data_base64=base64.b64encode(data).decode())], unseen)
        assert unseen.names == missing


AVRO = '{"type": "record", "name": "Row", "fields": [{"name": "value", "type": "double"}]}'
JSON_SCHEMA = '{"title": "Row", "type": "object", "properties": {"value": {"type": "number"}}}'
PROTO = 'syntax = "proto3"; message Other { string name = 1; } message Row { double value = 1; }'


@pytest.mark.parametrize(("kind", "text"), [("AVRO", AVRO), ("JSON", JSON_SCHEMA), ("PROTOBUF", PROTO)])
def test_guids_that_confluents_serializers_put_into_headers_are_read(fake: FakeRegistry, kind: str, text: str) -> None:
    client = SchemaRegistryClient.new_client({"url": "mock://"})
    conf: Any = {"schema.id.serializer": header_schema_id_serializer}
    row: Any = {"value": 1.5}
    if kind == "AVRO":
        serializer: Any = AvroSerializer(client, text, conf=conf)
    elif kind == "JSON":
        serializer = JSONSerializer(text, client, conf=conf)
    else:
        second = GetMessageClass(compiled(text).message((1,)))
        serializer, row = (
            ProtobufSerializer(second, client, conf={**conf, "use.deprecated.format": False}),
            second(**row),
        )
    headers: Any = []
    value = serializer(row, SerializationContext("in", MessageField.VALUE, headers))
    ((_, encoded),) = headers
    fake.answers = {f"/schemas/guids/{UUID(bytes=encoded[1:17])}": (200, {"schema": text, "schemaType": kind})}

    class Row(makiserve.Record):
        value: float
        house: str = makiserve.field(name="__key")

    assert decoded(Row, message(value, headers), url=fake.url) == [Row(1.5, "k")]
