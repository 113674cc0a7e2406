"""Avro, Protobuf and schema ids: damaged messages, damaged schemas."""

from __future__ import annotations

import base64
import io
import json
from contextlib import suppress
from decimal import Decimal
from random import Random

import fastavro
from google.protobuf.descriptor_pb2 import FileDescriptorProto

from makiserve.errors import DecodeError
from makiserve.records.avro import AvroDecoder, parse
from makiserve.records.protobuf import ProtobufDecoder, compiled
from makiserve.records.registry.wire import encoding_of, schema_id
from tests.fuzz.inputs import SCHEMA, damaged
from tests.fuzz.records import check_decoded

AVRO_TEXT = json.dumps(
    {
        "type": "record",
        "name": "Reading",
        "fields": [
            {"name": "other", "type": {"type": "map", "values": {"type": "array", "items": "null"}}},
            {"name": "time", "type": "long"},
            {"name": "value", "type": ["double", "long", "null"]},
            {"name": "at", "type": ["null", {"type": "long", "logicalType": "timestamp-nanos"}]},
            {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
            {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["a", "b"]}},
            {"name": "parts", "type": {"type": "array", "items": ["null", "double"]}},
            {"name": "more", "type": {"type": "map", "values": "int"}},
            {"name": "note", "type": "string"},
        ],
    }
)
AVRO_DATA = io.BytesIO()
fastavro.schemaless_writer(
    AVRO_DATA,
    fastavro.parse_schema(json.loads(AVRO_TEXT)),
    {"other": {"x": [None]}, "time": 1, "value": 1.5, "at": 5, "amount": Decimal(1), "kind": "a", "note": "x"}
    | {"parts": [1.0, None], "more": {"x": 1}},
)
AVRO = AvroDecoder(parse(AVRO_TEXT), SCHEMA)
PROTO_FILE = FileDescriptorProto(name="x.proto", package="a", syntax="proto3")
PROTO_TYPE = PROTO_FILE.message_type.add(name="Reading")
for number, (name, kind, label) in enumerate(
    [("time", 3, 1), ("value", 1, 1), ("note", 9, 1), ("parts", 1, 3), ("amount", 12, 1), ("kind", 5, 1)]
):
    PROTO_TYPE.field.add(name=name, number=number + 1, type=kind, label=label)
PROTOBUF = ProtobufDecoder(compiled(base64.b64encode(PROTO_FILE.SerializeToString()).decode()), SCHEMA)
PROTO_DATA = b"\0" + b"\x08\x01" + b"\x11" + bytes(7) + b"\x3f" + b"\x1a\x01x" + b"\x22\x08" + bytes(8)


def fuzz_avro(random: Random) -> None:
    with suppress(DecodeError):
        check_decoded([AVRO.decode(damaged(random, AVRO_DATA.getvalue()))])


def fuzz_avro_schemas(random: Random) -> None:
    with suppress(DecodeError):
        decoder = AvroDecoder(parse(damaged(random, AVRO_TEXT.encode()).decode(errors="replace")), SCHEMA)
        check_decoded([decoder.decode(random.choice((AVRO_DATA.getvalue(), random.randbytes(40))))])


def fuzz_protobuf(random: Random) -> None:
    with suppress(DecodeError):
        check_decoded([PROTOBUF.decode(damaged(random, PROTO_DATA))])


def fuzz_schema_ids(random: Random) -> None:
    header = random.choice((None, damaged(random, b"\1" + bytes(16)), random.randbytes(random.randrange(9))))
    with suppress(DecodeError):
        if encoded := encoding_of(damaged(random, b"\0\0\0\0\7abc"), header).schema:
            assert str(schema_id(encoded))
