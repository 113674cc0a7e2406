"""Avro data as records: the verdict of JSON, the values of fastavro, and no bytes that can do harm."""

from __future__ import annotations

import io
import json
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from makiserve.errors import DecodeError
from makiserve.records import Record, Schema, field
from makiserve.records.avro import AvroDecoder, parse
from tests.loops import loop_over
from tests.unit.records.verdicts import KINDS, REFUSED, from_message, record_of, verdict

UTC = timezone.utc


def schema_of(kind: Any) -> dict[str, Any]:
    return {"type": "record", "name": "Row", "fields": [{"name": "x", "type": kind}]}


def written(writer: Any, value: Any) -> bytes:
    data = io.BytesIO()
    fastavro.schemaless_writer(data, fastavro.parse_schema(writer), value)
    return data.getvalue()


def decoder(writer: Any, record: type[Record]) -> AvroDecoder:
    return AvroDecoder(parse(json.dumps(writer)), Schema(record))


def from_avro(kind: Any, value: Any, declared: Any) -> Any:
    data = written(schema_of(kind), {"x": value})
    try:
        return verdict(decoder(schema_of(kind), record_of(declared)).decode(data))
    except DecodeError as error:
        return verdict(error)


LONGS = st.integers(-(2**63), 2**63 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
WORDS = st.sampled_from(["a", "5", "rain", "2013-01-01", "2013-01-01T05:00:00Z", "P1D", "aGk=", "12:00:00"])
TYPED = st.one_of(
    st.tuples(st.just("long"), LONGS),
    st.tuples(st.just("double"), st.floats()),
    st.tuples(st.just("boolean"), st.booleans()),
    st.tuples(st.just("string"), TEXTS | WORDS),
    st.tuples(st.just("null"), st.none()),
    st.tuples(st.just(["null", "double"]), st.none() | st.floats()),
    st.tuples(st.just(["long", "string", "null"]), LONGS | TEXTS | WORDS | st.none()),
    st.tuples(st.just({"type": "array", "items": ["null", "double"]}), st.lists(st.none() | st.floats(), max_size=3)),
    st.tuples(st.just({"type": "map", "values": "long"}), st.dictionaries(TEXTS, LONGS, max_size=2)),
)


@given(TYPED, st.sampled_from(KINDS))
def test_avro_gives_the_verdict_of_a_message(typed: tuple[Any, Any], declared: Any) -> None:
    kind, value = typed
    expected = from_message(json.dumps(value).encode(), declared)
    assert repr(from_avro(kind, value, declared)) == repr(expected)


NAMES = iter(f"T{number}" for number in range(10**9))


def _nested(inner: st.SearchStrategy[tuple[Any, Any]]) -> st.SearchStrategy[tuple[Any, Any]]:
    """Types around others, each with a value."""

    def record(members: list[tuple[Any, Any]]) -> tuple[Any, Any]:
        fields = [{"name": f"f{index}", "type": kind} for index, (kind, _) in enumerate(members)]
        values = {f"f{index}": value for index, (_, value) in enumerate(members)}
        return {"type": "record", "name": next(NAMES), "fields": fields}, values

    return st.one_of(
        inner.map(lambda typed: ({"type": "array", "items": typed[0]}, [typed[1]] * 3)),
        inner.map(lambda typed: ({"type": "map", "values": typed[0]}, {"a": typed[1], "ä": typed[1]})),
        st.lists(inner, max_size=4).map(record),
    )


SCALARS = st.one_of(
    st.tuples(st.sampled_from(["long"]), LONGS),
    st.tuples(st.just("int"), st.integers(-(2**31), 2**31 - 1)),
    st.tuples(st.just("double"), st.floats(allow_nan=False, allow_infinity=False)),
    st.tuples(st.just("float"), st.floats(width=32, allow_nan=False, allow_infinity=False)),
    st.tuples(st.just("boolean"), st.booleans()),
    st.tuples(st.just("string"), TEXTS),
    st.tuples(st.just("bytes"), st.binary(max_size=4)),
    st.tuples(st.just("null"), st.none()),
    st.tuples(st.just(["null", "double"]), st.sampled_from([None, 1.5])),
    st.tuples(st.just(["double", "null", "string"]), st.sampled_from([None, 1.5, "a"])),
    st.tuples(st.builds(lambda: {"type": "fixed", "name": next(NAMES), "size": 3}), st.just(b"abc")),
    st.tuples(
        st.builds(lambda: {"type": "enum", "name": next(NAMES), "symbols": ["a", "b"]}), st.sampled_from(["a", "b"])
    ),
)
ANY = st.recursive(SCALARS, _nested, max_leaves=8)


@given(ANY, ANY, ANY)
def test_values_are_those_of_fastavro_and_undeclared_fields_are_skipped(
    before: tuple[Any, Any], declared: tuple[Any, Any], after: tuple[Any, Any]
) -> None:
    fields = {"before": before, "x": declared, "after": after}
    writer = schema_of("null") | {"fields": [{"name": name, "type": kind} for name, (kind, _) in fields.items()]}
    data = written(writer, {name: value for name, (_, value) in fields.items()})
    expected: Any = fastavro.schemaless_reader(io.BytesIO(data), fastavro.parse_schema(writer), None)
    assert decoder(writer, record_of(Any)).decode(data).x == expected["x"]  # type: ignore[attr-defined]


class Reading(Record):
    time: int
    overall: float = field(name="House overall [kW]")
    text: str
    note: str | None = None
    tags: list[str] = []


READING = {
    "type": "record",
    "name": "Reading",
    "fields": [
        {"name": "text", "type": "string"},
        {"name": "unknown", "type": {"type": "map", "values": {"type": "array", "items": "string"}}},
        {"name": "skipped", "type": ["null", "double"]},
        {"name": "time", "type": "long"},
        {"name": "overall", "type": "float"},
        {"name": "note", "type": ["null", "string"]},
    ],
}
DATA = written(
    READING, {"text": "ä", "unknown": {"a": ["b"]}, "skipped": 1.5, "time": -(2**40), "overall": 0.5, "note": None}
)


def test_fields_are_found_by_name_and_absent_ones_have_their_default() -> None:
    record = decoder(READING, Reading).decode(DATA)
    assert record == Reading(-(2**40), 0.5, "ä")
    assert decoder(READING, Reading).titles == {"time", "House overall [kW]", "text", "note"}


def test_a_field_is_found_by_an_alias_of_the_writer() -> None:
    writer = schema_of("double")
    writer["fields"][0] |= {"name": "renamed", "aliases": ["x"]}
    assert decoder(writer, record_of(float)).decode(written(writer, {"renamed": 1.5})).x == 1.5  # type: ignore[attr-defined]


def test_a_required_field_without_a_writer_is_missing() -> None:
    writer = schema_of("double") | {"fields": [{"name": "y", "type": "double"}]}
    with pytest.raises(DecodeError, match="field 'x' is missing: expected float") as error:
        decoder(writer, record_of(float)).decode(written(writer, {"y": 1}))
    assert error.value.field == "x"


def test_an_undeclared_field_is_refused_if_the_record_forbids_it() -> None:
    class Strict(Record, forbid_unknown_fields=True):
        x: float

    writer = schema_of("double")
    writer["fields"].append({"name": "y", "type": "double"})
    with pytest.raises(DecodeError, match="unknown field `y`"):
        decoder(writer, Strict).decode(written(writer, {"x": 1, "y": 1}))


class Inner(Record):
    a: int


def test_nested_records_and_post_init_are_checked_as_in_json() -> None:
    class Outer(Record):
        x: Inner

        def __post_init__(self) -> None:
            if self.x.a == 0:
                raise ZeroDivisionError("a is zero")

    writer = schema_of({"type": "record", "name": "Inner", "fields": [{"name": "a", "type": "long"}]})
    reader = decoder(writer, Outer)
    assert reader.decode(written(writer, {"x": {"a": 5}})) == Outer(Inner(5))
    with pytest.raises(DecodeError, match="ZeroDivisionError: a is zero"):
        reader.decode(written(writer, {"x": {"a": 0}}))
    wrong = schema_of({"type": "record", "name": "Inner", "fields": [{"name": "a", "type": "string"}]})
    with pytest.raises(DecodeError, match="field 'x': expected"):
        decoder(wrong, Outer).decode(written(wrong, {"x": {"a": "b"}}))


def test_a_top_level_union_of_records_is_decoded_by_branch() -> None:
    other = {"type": "record", "name": "Other", "fields": [{"name": "y", "type": "long"}]}
    writer = ["null", schema_of("long"), other]
    reader = decoder(writer, record_of(int))
    assert reader.decode(b"\x02" + written(schema_of("long"), {"x": 7})).x == 7  # type: ignore[attr-defined]
    with pytest.raises(DecodeError, match="field 'x' is missing"):
        reader.decode(b"\x04\x0e")
    with pytest.raises(DecodeError, match="expected an Avro record, got null"):
        reader.decode(b"\x00")


@pytest.mark.parametrize(
    ("kind", "stored", "declared", "words"),
    [
        ({"type": "long", "logicalType": "timestamp-millis"}, 2**62, datetime, "microseconds after 1970"),
        ({"type": "int", "logicalType": "date"}, 2**30, datetime, "days after 1970"),
        ({"type": "int", "logicalType": "time-millis"}, -1, str, "not within 24 hours"),
        ({"type": "fixed", "name": "F", "size": 12, "logicalType": "duration"}, b"\1" + bytes(11), str, "1 months"),
        ({"type": "bytes", "logicalType": "decimal", "precision": 9}, bytes(300), float, "300 bytes"),
    ],
)
def test_a_value_that_python_cannot_hold_names_its_field(kind: Any, stored: Any, declared: Any, words: str) -> None:
    plain = {name: value for name, value in kind.items() if name != "logicalType"}
    data = written(schema_of(plain), {"x": stored})
    with pytest.raises(DecodeError, match=f"field 'x': expected .*{words}, which Python cannot hold") as error:
        decoder(schema_of(kind), record_of(declared)).decode(data)
    assert error.value.field == "x"


def test_nanoseconds_are_rounded_as_in_json() -> None:
    kind = {"type": "long", "logicalType": "timestamp-nanos"}
    record = decoder(schema_of(kind), record_of(datetime)).decode(written(schema_of("long"), {"x": 1500}))
    assert record.x == datetime(1970, 1, 1, microsecond=2, tzinfo=UTC)  # type: ignore[attr-defined]


@given(st.data())
def test_damaged_data_are_a_decode_error_and_nothing_else(data: st.DataObject) -> None:
    reader, damaged = decoder(READING, Reading), bytearray(DATA)
    for _ in range(data.draw(st.integers(0, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(damaged[: data.draw(st.integers(0, len(damaged)))]) + data.draw(st.binary(max_size=3))
    with suppress(DecodeError):
        assert isinstance(reader.decode(cut), Reading)


@loop_over("cut", range(len(DATA)))
def test_data_that_end_early_are_refused(cut: int) -> None:
    with pytest.raises(DecodeError):
        decoder(READING, Reading).decode(DATA[:cut])


def test_data_that_go_on_are_refused() -> None:
    with pytest.raises(DecodeError, match="2 bytes left over"):
        decoder(READING, Reading).decode(DATA + b"xx")


COUNT = b"\xfe\xff\xff\xff\xff\xff\xff\xff\x7f"
"""As many items as 64 bits can count, more than any memory has."""


@loop_over("declared", ["x", "other"])
@loop_over(
    ("kind", "data", "words"),
    [
        ({"type": "array", "items": "null"}, COUNT, "more than the data can contain"),
        ({"type": "array", "items": "double"}, COUNT, "more than the data can contain"),
        ({"type": "map", "values": "null"}, COUNT, "more than the data can contain"),
        ({"type": "array", "items": {"type": "record", "name": "E", "fields": []}}, COUNT, "more than the data"),
        ("string", COUNT, "the data end early"),
        ("bytes", b"\x01", "more than the data can contain"),
        ("long", b"\xff" * 11, "more than ten bytes|1 bytes left over|the data end early"),
    ],
)
def test_a_count_that_the_data_cannot_contain_is_refused_at_once(
    declared: str, kind: Any, data: bytes, words: str
) -> None:
    record = type("Row", (Record,), {"__annotations__": {declared: Any}, declared: None})
    with pytest.raises(DecodeError, match=words):
        decoder(schema_of(kind), record).decode(data)


@pytest.mark.parametrize("declared", ["x", "other"])
def test_a_recursive_value_is_refused_beyond_a_depth(declared: str) -> None:
    link = {"type": "record", "name": "Link", "fields": [{"name": "next", "type": ["null", "Link"]}]}
    record = type("Row", (Record,), {"__annotations__": {declared: Any}, declared: None})
    reader = decoder(schema_of(link), record)
    assert isinstance(reader.decode(b"\x02" * 50 + b"\x00"), record)
    with pytest.raises(DecodeError, match="nested deeper than 100"):
        reader.decode(b"\x02" * 1_000_000 + b"\x00")


@loop_over(
    ("text", "words"),
    [
        ("", "not an Avro schema"),
        ('{"type": "recor"}', "not an Avro schema"),
        ("[1, 2]", "not an Avro schema"),
        ('{"type": "record", "name": "R", "fields": [{"name": "x", "type": "Unknown"}]}', "not an Avro schema"),
        ('{"type":"array","items":' * 200 + '"int"' + "}" * 200, "nested deeper than 100"),
        ("[" * 100_000, "nested deeper than 100"),
        ('"int"' + " " * (1 << 20), "more than 1,048,576"),
    ],
)
def test_a_schema_that_cannot_be_read_is_a_decode_error(text: str, words: str) -> None:
    with pytest.raises(DecodeError, match=words):
        parse(text)


def test_a_schema_with_references_is_read() -> None:
    inner = '{"type": "record", "name": "a.Inner", "fields": [{"name": "y", "type": "long"}]}'
    outer = '{"type": "record", "name": "a.Outer", "fields": [{"name": "x", "type": "Inner"}]}'
    record = AvroDecoder(parse(outer, [inner]), Schema(record_of(dict[str, int]))).decode(b"\x0e")
    assert record.x == {"y": 7}  # type: ignore[attr-defined]


def test_top_level_type_that_is_not_a_record_is_refused() -> None:
    with pytest.raises(DecodeError, match="expected an Avro record, got string"):
        decoder("string", record_of(str)).decode(b"\x02a")


def test_optional_and_refused_nan() -> None:
    assert from_avro("double", float("nan"), float | None) == (type(None), None)
    assert from_avro("double", float("nan"), float) == (REFUSED, None)
    assert from_avro("float", float("inf"), float | None) == (REFUSED, None)


def test_a_missing_field_that_the_writer_spells_differently_gets_the_remedy() -> None:
    class Wind(Record):
        wind_speed: float

    writer = schema_of("double") | {"fields": [{"name": "windSpeed", "type": "double"}]}
    with pytest.raises(DecodeError, match=r"declare wind_speed: float = makiserve\.field\(name=\"windSpeed\"\)"):
        decoder(writer, Wind).decode(written(writer, {"windSpeed": 1.5}))
