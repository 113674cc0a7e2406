"""Values with schema ids in front or in a header, and plain JSON, on one topic."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makiserve.errors import DecodeError, SchemaNotFound
from makiserve.records import Record, Schema
from makiserve.records.avro import AvroDecoder, parse
from makiserve.records.registry.client import RegisteredSchema, RegistryClient
from makiserve.records.registry.format_decoder import FormatDecoder, InputFormat, JsonDecoder, load_decoder
from makiserve.records.registry.wire import SchemaId, encoding_of, schema_id
from tests.loops import loop_over
from tests.unit.records.verdicts import KINDS, VALUES, from_message, record_of, verdict


class Row(Record):
    x: int


WRITER = '{"type": "record", "name": "Row", "fields": [{"name": "x", "type": "long"}]}'
GUID = b"\1" + UUID(int=9).bytes


class Known:
    """A loader of what is known already."""

    def __init__(self, decoders: dict[bytes, Any]) -> None:
        self.decoders = decoders
        self.asked: set[bytes] = set()

    def get(self, key: bytes) -> Any:
        self.asked.add(key)
        return self.decoders.get(key)


def decoder(decoders: dict[bytes, Any], input_format: InputFormat = "auto") -> FormatDecoder:
    return FormatDecoder(Schema(Row), Known(decoders), input_format)


AVRO = AvroDecoder(parse(WRITER), Schema(Row))
SEVEN = b"\0\0\0\0\7"


def test_values_are_decoded_by_the_id_in_front_or_in_the_header_or_as_json() -> None:
    values = [SEVEN + b"\2", b"\4", b"\6", b' {"x": 4}', GUID + b"\x0a"]
    headers = [None, GUID, SEVEN, None, None]
    decoded = decoder({SEVEN: AVRO, GUID: AVRO}).decode(values, headers)
    assert decoded == ([Row(1), Row(2), Row(3), Row(4), Row(5)], b"")


def test_json_with_a_schema_is_decoded_as_plain_json_is() -> None:
    formats = decoder({SEVEN: JsonDecoder(Schema(Row))})
    (good, bad), _ = formats.decode([SEVEN + b'{"x": 1}', SEVEN + b'{"x": "1"}'], [None] * 2)
    assert (good, str(bad)) == (Row(1), "field 'x': expected int, got \"1\"")
    assert formats.titles(SEVEN + b'{"x": 1}', None) is None


def test_values_wait_from_the_first_whose_schema_is_unknown() -> None:
    known = Known({SEVEN: AVRO})
    values = [SEVEN + b"\2", b"\0\0\0\0\x08\2", SEVEN + b"\2", b"\0\0\0\0\x09\2"]
    decoded = FormatDecoder(Schema(Row), known).decode(values, [None] * 4)
    assert decoded == ([Row(1)], b"\0\0\0\0\x08")
    assert len(known.asked) == 3  # that of the last value, too, so that it is known when its turn comes


def test_a_missing_schema_and_damaged_values_are_errors_of_their_own() -> None:
    missing = SchemaNotFound("no schema 8")
    values = [b"\0\0\0\0\x08\2", SEVEN + b"\2\2", None, SEVEN + b"\4"]
    records, awaited = decoder({SEVEN: AVRO, b"\0\0\0\0\x08": missing}).decode(values, [None] * 4)
    assert records[0] is missing
    assert [str(error) for error in records[1:3]] == [
        "not data of the Avro schema: 1 bytes left over (7 bytes)",
        "the message has no value",
    ]
    assert (records[3], awaited) == (Row(2), b"")


@loop_over(
    ("value", "header", "words"),
    [
        (b"", None, "the value is empty"),
        (b"\2abc", None, "begins with the byte 0x02: it has no schema id"),
        (b"[1]", None, "begins with the byte 0x5b"),
        (b"\0\0\0", None, "the value has no complete schema id: 00 00 00"),
        (b"\1abc", None, "no complete schema id: 01 61 62 63"),
        (b"abc", b"", "the header __value_schema_id has no complete schema id: it is empty"),
        (b"abc", b"\5abcd", "the header __value_schema_id has no complete schema id"),
    ],
)
def test_a_value_without_a_readable_id_is_an_error(value: bytes, header: bytes | None, words: str) -> None:
    with pytest.raises(DecodeError, match=words):
        encoding_of(value, header)
    (record,), _ = decoder({}).decode([value], [header])
    assert isinstance(record, DecodeError)


def test_ids_are_numbers_and_guids() -> None:
    assert schema_id(b"\0\0\0\1\2") == SchemaId(258)
    assert schema_id(GUID) == SchemaId(UUID(int=9))
    assert str(schema_id(GUID)) == "00000000-0000-0000-0000-000000000009"


class Client(RegistryClient):
    def __init__(self, registered: RegisteredSchema) -> None:
        self.registered = registered

    def schema(self, schema: SchemaId) -> RegisteredSchema:
        return self.registered


@given(VALUES, st.sampled_from(KINDS), st.booleans())
def test_json_with_a_schema_gets_the_verdict_of_a_message(value: Any, declared: Any, in_header: bool) -> None:
    schema, text = Schema(record_of(declared)), json.dumps(value).encode()
    load = load_decoder(Client(RegisteredSchema("JSON", '{"type": "object"}')), schema, "json-schema")
    formats = FormatDecoder(schema, Known({SEVEN: load(SEVEN)}), "json-schema")
    data = b'{"x": %s}' % text
    (record,), _ = formats.decode([data if in_header else SEVEN + data], [SEVEN if in_header else None])
    assert repr(verdict(record)) == repr(from_message(text, declared))


@pytest.mark.parametrize(
    ("registered", "input_format", "value"),
    [
        (RegisteredSchema("AVRO", WRITER), "auto", b"\2"),
        (RegisteredSchema("AVRO", WRITER), "avro", b"\2"),
        (RegisteredSchema("JSON", "{}"), "json-schema", b'{"x": 1}'),
    ],
)
def test_the_format_is_that_of_the_schema(
    registered: RegisteredSchema, input_format: InputFormat, value: bytes
) -> None:
    loaded = load_decoder(Client(registered), Schema(Row), input_format)(SEVEN)
    assert loaded.decode(SEVEN + value, 5) == Row(1)


@pytest.mark.parametrize(
    ("registered", "input_format", "words"),
    [
        (RegisteredSchema("AVRO", WRITER), "json", "schema 7 is avro, and --input-format is json"),
        (RegisteredSchema("THRIFT", ""), "auto", "schema 7: messages in the format THRIFT cannot be decoded"),
        (RegisteredSchema("AVRO", "{"), "auto", "schema 7: not an Avro schema"),
    ],
)
def test_a_schema_of_another_format_is_an_error(
    registered: RegisteredSchema, input_format: InputFormat, words: str
) -> None:
    with pytest.raises(DecodeError, match=words):
        load_decoder(Client(registered), Schema(Row), input_format)(SEVEN)


def test_only_the_chosen_format_is_accepted() -> None:
    (error,), _ = decoder({}, "avro").decode([b'{"x": 1}'], [None])
    assert str(error) == "the value is plain JSON, and --input-format is avro"


def test_a_value_that_is_too_large_is_an_error() -> None:
    (error,), _ = decoder({SEVEN: AVRO}).decode([SEVEN + bytes(16 << 20)], [None])
    assert "more than 16,777,216" in str(error)


def test_titles_are_those_of_the_writer() -> None:
    formats = decoder({SEVEN: AVRO})
    assert formats.titles(SEVEN + b"\2", None) == {"x"}
    assert formats.titles(b'{"x": 1}', None) is None
    assert formats.titles(b"\2", None) == formats.titles(b"\0\0\0\0\x08", None) == ()
