"""Protobuf data as records: the verdict of JSON, by schemas that protoc compiles."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.json_format import ParseDict
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given
from hypothesis import strategies as st

from makiserve.errors import DecodeError
from makiserve.records import Record, Schema, field
from makiserve.records.protobuf import ProtobufDecoder, ProtobufSchema, compiled
from makiserve.records.protobuf.decoder import message_path
from tests.loops import loop_over
from tests.unit.records.verdicts import KINDS, from_message, record_of, verdict

pytest.importorskip("grpc_tools")

SOURCE = """
syntax = "proto3";
package a.b;
import "google/protobuf/timestamp.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/wrappers.proto";
import "shared/inner.proto";
message Other { int64 number = 1; message Nested { int64 x = 1; } }
enum Place { HERE = 0; THERE = 1; }
message Row {
  int64 number = 1;
  double value = 2;
  optional string note = 3;
  google.protobuf.Timestamp at = 4;
  google.protobuf.Duration took = 5;
  google.protobuf.DoubleValue power = 6;
  Place place = 7;
  repeated double parts = 8;
  map<string, double> named = 9;
  shared.Inner inner = 10;
  double wind_speed = 11;
  bytes raw = 12;
  bool on = 13;
  string text = 14;
}
"""
INNER = 'syntax = "proto3"; package shared; message Inner { int64 a = 1; optional int64 b = 2; }'


@pytest.fixture(scope="module")
def schema() -> ProtobufSchema:
    return compiled(SOURCE, [("shared/inner.proto", INNER)])


def written(schema: ProtobufSchema, values: dict[str, Any], path: tuple[int, ...] = (1,)) -> bytes:
    message = ParseDict(values, GetMessageClass(schema.message(path))())
    prefix = b"".join(bytes([2 * number]) for number in (len(path), *path))
    return prefix + bytes(message.SerializeToString())


class Whole(Record):
    number: int
    value: float
    at: datetime
    took: timedelta
    place: str
    parts: list[float]
    named: dict[str, float]
    inner: dict[str, int]
    wind: float = field(name="windSpeed")
    note: str | None = None
    power: float | None = None
    absent: int = 7


def test_every_kind_of_field_is_read(schema: ProtobufSchema) -> None:
    values = {
        "number": 5,
        "value": 1.5,
        "at": "2013-01-01T00:00:00.0000015Z",
        "took": "1.5s",
        "place": "THERE",
        "parts": [1.5, 2.5],
        "named": {"a": 1.5},
        "inner": {"a": 3},
        "windSpeed": 9.0,
        "power": 2.5,
    }
    reader = ProtobufDecoder(schema, Schema(Whole))
    assert reader.decode(written(schema, values)) == Whole(
        5,
        1.5,
        datetime(2013, 1, 1, microsecond=2, tzinfo=timezone.utc),
        timedelta(seconds=1.5),
        "THERE",
        [1.5, 2.5],
        {"a": 1.5},
        {"a": 3},
        9.0,
        None,
        2.5,
    )
    assert "windSpeed" in reader.titles
    assert "absent" not in reader.titles


def test_an_absent_field_has_its_default_or_is_missing(schema: ProtobufSchema) -> None:
    class Notes(Record):
        note: str
        number: int

    with pytest.raises(DecodeError, match="field 'note' is missing: expected str"):
        ProtobufDecoder(schema, Schema(Notes)).decode(written(schema, {"number": 5}))
    assert ProtobufDecoder(schema, Schema(Notes)).decode(written(schema, {"note": "a"})) == Notes("a", 0)


@given(st.integers(-(2**63), 2**63 - 1), st.sampled_from(KINDS))
def test_an_integer_gets_the_verdict_of_json(schema: ProtobufSchema, value: int, declared: Any) -> None:
    _compare(schema, "number", value, declared)


@given(st.floats(), st.sampled_from(KINDS))
def test_a_number_gets_the_verdict_of_json(schema: ProtobufSchema, value: float, declared: Any) -> None:
    _compare(schema, "value", value, declared)


@given(st.sampled_from(["", "a", "5", "2013-01-01", "PT5S", "aGk=", "rain"]), st.sampled_from(KINDS))
def test_a_text_gets_the_verdict_of_json(schema: ProtobufSchema, value: str, declared: Any) -> None:
    _compare(schema, "text", value, declared)


@loop_over("declared", KINDS)
@loop_over(
    ("name", "value"),
    [
        ("on", True),
        ("on", False),
        ("place", "HERE"),
        ("place", "THERE"),
        ("note", "5"),
        ("note", ""),
        ("power", 2.5),
        ("power", 0.0),
        ("parts", [1.5, 2.0]),
        ("parts", []),
        ("named", {"a": 1.5}),
        ("named", {}),
    ],
)
def test_a_value_of_any_other_type_gets_the_verdict_of_json(
    schema: ProtobufSchema, name: str, value: Any, declared: Any
) -> None:
    message = ParseDict({name: value}, GetMessageClass(schema.message((1,)))())
    assert repr(_verdict_of(schema, name, message, declared)) == repr(
        from_message(json.dumps(value).encode(), declared)
    )


def _compare(schema: ProtobufSchema, name: str, value: Any, declared: Any) -> None:
    message = GetMessageClass(schema.message((1,)))()
    setattr(message, name, value)
    assert repr(_verdict_of(schema, name, message, declared)) == repr(
        from_message(json.dumps(value).encode(), declared)
    )


def _verdict_of(schema: ProtobufSchema, name: str, message: Any, declared: Any) -> Any:
    record = type("Row", (Record,), {"__annotations__": {name: declared}})
    try:
        return verdict_of(ProtobufDecoder(schema, Schema(record)).decode(b"\2\2" + message.SerializeToString()), name)
    except DecodeError as error:
        return verdict(error)


def verdict_of(record: Any, name: str) -> Any:
    value = getattr(record, name)
    return type(value), value


def test_the_message_type_is_named_in_front_of_the_data(schema: ProtobufSchema) -> None:
    row = record_of(int)
    assert ProtobufDecoder(schema, Schema(row)).decode(written(schema, {"x": 5}, (0, 0))).x == 5  # type: ignore[attr-defined]
    assert message_path(b"\0abc", 0) == ((0,), 1)
    assert message_path(b"\4\0\2abc", 0) == ((0, 1), 3)
    for path in (b"", b"\2", b"\x80" * 9, b"\x7f", b"\1"):
        with pytest.raises(DecodeError):
            message_path(path, 0)
    with pytest.raises(DecodeError, match=r"no message type \[7\]"):
        ProtobufDecoder(schema, Schema(row)).decode(b"\2\x0e")


def test_the_message_type_may_be_named_in_the_header(schema: ProtobufSchema) -> None:
    data = written(schema, {"x": 5}, (0, 0))[3:]
    assert ProtobufDecoder(schema, Schema(record_of(int)), b"\4\0\0").decode(data).x == 5  # type: ignore[attr-defined]


@given(st.binary(max_size=40))
def test_damaged_data_are_a_decode_error_and_nothing_else(schema: ProtobufSchema, data: bytes) -> None:
    with suppress(DecodeError):
        assert isinstance(ProtobufDecoder(schema, Schema(Whole)).decode(b"\2\2" + data), Whole)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("message", "can be compiled: makiserve_schema.proto"),
        ('syntax = "proto3"; import "absent.proto"; message A {}', "absent.proto"),
        (" " * (1 << 20) + "x", "more than 1,048,576"),
    ],
)
def test_a_schema_that_cannot_be_compiled_is_a_decode_error(text: str, words: str) -> None:
    with pytest.raises(DecodeError, match=words):
        compiled(text)


@pytest.mark.parametrize("name", ["../a.proto", "/a.proto", ".", "a\0.proto", "\ud800.proto", "a" * 300, "a/" * 600])
def test_an_import_that_can_be_no_file_is_refused(name: str) -> None:
    with pytest.raises(DecodeError, match="imports a file named "):
        compiled("", [(name, "")])


@pytest.mark.parametrize("names", [("a.proto", "a.proto/b.proto"), ("a.proto/b.proto", "a.proto")])
def test_an_import_that_is_also_a_folder_is_refused(names: tuple[str, str]) -> None:
    with pytest.raises(DecodeError, match=r"imports a file named 'a\.proto', which is also a folder"):
        compiled("", [(name, "") for name in names])


def test_a_serialized_descriptor_is_a_schema() -> None:
    file = FileDescriptorProto(
        name="x.proto", package="a", syntax="proto3", dependency=["google/protobuf/timestamp.proto"]
    )
    message = file.message_type.add(name="Row")
    message.field.add(name="x", number=1, type=3, label=1)
    compiled_schema = compiled(base64.b64encode(file.SerializeToString()).decode())
    assert ProtobufDecoder(compiled_schema, Schema(record_of(int))).decode(b"\0\x08\5").x == 5  # type: ignore[attr-defined]


def test_a_missing_field_that_the_schema_spells_differently_gets_the_remedy(schema: ProtobufSchema) -> None:
    class Notes(Record):
        nOte: str

    with pytest.raises(
        DecodeError, match=r"The data have 'note': declare nOte: str = makiserve\.field\(name=\"note\"\)"
    ):
        ProtobufDecoder(schema, Schema(Notes)).decode(written(schema, {"note": "a"}))
