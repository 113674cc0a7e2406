"""The tables of docs/reference/values.md, cell by cell."""

from __future__ import annotations

import csv
import io
import json
import re
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import fastavro
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Meta

from makiserve.errors import DecodeError
from makiserve.records import Record, RecordFile, Schema
from makiserve.records.avro import AvroDecoder, parse
from makiserve.records.record import NA_VALUES
from makiserve.records.typed import TypedColumn
from tests.loops import loop_over

PAGE = (Path(__file__).parents[3] / "docs/reference/values.md").read_text()
NAMES = {
    kind.__name__: kind
    for kind in (float, int, bool, str, bytes, date, datetime, time, timedelta, Decimal, UUID, list, dict)
} | {"Literal": Literal, "Annotated": Annotated, "Meta": Meta}


def avro_logical(stored: str, logical: str, **more: Any) -> dict[str, Any]:
    return {"type": stored, "logicalType": logical, **more}


ARROW: dict[str, pa.Array] = {
    "bool": pa.array([True]),
    "int64": pa.array([5]),
    "uint64": pa.array([2**64 - 1], pa.uint64()),
    "halffloat": pa.array([1.5], pa.float16()),
    "double": pa.array([1.5]),
    "decimal128(5, 2)": pa.array([Decimal("1.50")], pa.decimal128(5, 2)),
    "decimal128(5, 0)": pa.array([Decimal(5)], pa.decimal128(5, 0)),
    "string": pa.array(["x!"]),
    "large_string": pa.array(["x!"], pa.large_string()),
    "string_view": pa.array(["x!"], pa.string_view()),
    "dictionary<string>": pa.array(["x!"]).dictionary_encode(),
    "binary": pa.array([b"x!"]),
    "binary_view": pa.array([b"x!"], pa.binary_view()),
    "date32": pa.array([date(2013, 1, 1)]),
    "date64": pa.array([date(2013, 1, 1)], pa.date64()),
    "time64[us]": pa.array([time(5)]),
    "timestamp[s]": pa.array([5]).view(pa.timestamp("s")),
    "timestamp[ns, UTC]": pa.array([5]).view(pa.timestamp("ns", "UTC")),
    "duration[ns]": pa.array([5]).view(pa.duration("ns")),
    "month_day_nano_interval": pa.array([(1, 2, 3)], pa.month_day_nano_interval()),
    "list<double>": pa.array([[1.5]]),
    "fixed_size_list<double>": pa.array([[1.5]], pa.list_(pa.float64(), 1)),
    "struct<a: double>": pa.array([{"a": 1.5}]),
    "map<string, double>": pa.array([[("a", 1.5)]], pa.map_(pa.string(), pa.float64())),
    "uuid": pa.array([UUID(int=7).bytes], pa.uuid()),
    "bool8": pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1], pa.int8())),
    "run_end_encoded<int64>": pc.run_end_encode(pa.array([5])),
    "null": pa.nulls(1),
}
KINDS = ["float", "int", "bool", "str", "bytes", "date", "datetime", "time", "timedelta", "Decimal", "UUID"]
KINDS += ["list[float]", "dict[str, float]"]


AVRO: dict[str, tuple[Any, Any]] = {
    "boolean": ("boolean", True),
    "int": ("int", 5),
    "long": ("long", 2**40),
    "float": ("float", 1.5),
    "double": ("double", 1.5),
    "string": ("string", "x!"),
    "enum": ({"type": "enum", "name": "E", "symbols": ["x", "y"]}, "y"),
    "bytes": ("bytes", b"x!"),
    "fixed": ({"type": "fixed", "name": "F", "size": 2}, b"x!"),
    "bytes, decimal(5, 2)": (avro_logical("bytes", "decimal", precision=5, scale=2), Decimal("1.50")),
    "fixed, decimal(5, 0)": (avro_logical("fixed", "decimal", precision=5, name="F", size=4), Decimal(5)),
    "int, date": (avro_logical("int", "date"), date(2013, 1, 1)),
    "int, time-millis": (avro_logical("int", "time-millis"), time(5)),
    "long, time-micros": (avro_logical("long", "time-micros"), time(5)),
    **{
        f"long, {name}": (avro_logical("long", name), 5)
        for zone in ("", "local-")
        for unit in ("millis", "micros", "nanos")
        for name in [f"{zone}timestamp-{unit}"]
    },
    "fixed, duration": (avro_logical("fixed", "duration", name="F", size=12), bytes(4) + bytes([1, 0, 0, 0] * 2)),
    "fixed, uuid": (avro_logical("fixed", "uuid", name="F", size=16), UUID(int=7).bytes),
    "string, uuid": (avro_logical("string", "uuid"), UUID(int=7)),
    "array of double": ({"type": "array", "items": "double"}, [1.5]),
    "map of double": ({"type": "map", "values": "double"}, {"a": 1.5}),
    "record of double": ({"type": "record", "name": "R", "fields": [{"name": "a", "type": "double"}]}, {"a": 1.5}),
    "union of null and long": (["null", "long"], 5),
    "null": ("null", None),
}


def table(title: str) -> list[list[str]]:
    """The rows of the table under a title."""
    part = PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def texts(cell: str) -> list[str]:
    """Return the texts between backticks in a cell of a table; two in a row are an empty text."""
    return [text.replace("\\|", "|") for text in re.findall(r"`([^`]*)`", cell)]


CASES = [
    (kind, form, text, accepts)
    for (kind, *cells) in table("Text and JSON")
    for cell, (form, accepts) in zip(
        cells, [("csv", True), ("csv", False), ("json", True), ("json", False)], strict=True
    )
    for text in texts(cell)
]


def kind_of(text: str) -> Any:
    return eval(text.strip("`").replace("\\|", "|"), NAMES)


@loop_over(("kind", "form", "text", "accepts"), CASES)
def test_a_cell_of_the_table_is_what_happens(tmp_path: Path, kind: str, form: str, text: str, accepts: bool) -> None:
    row = type("Row", (Record,), {"__annotations__": {"x": kind_of(kind)}})
    if form == "json":
        (record,) = Schema(row).decode_messages([b'{"x": %s}' % text.encode()])
    else:
        content = io.StringIO(newline="")
        csv.writer(content).writerows([["x", "other"], [text, "1"]])
        (tmp_path / "a.csv").write_text(content.getvalue())
        ((record,),) = RecordFile(tmp_path / "a.csv", Schema(row))
    assert isinstance(record, row) is accepts, record


def test_the_table_of_texts_is_read_whole() -> None:
    assert len(CASES) > 120
    assert ("`float`", "csv", "", False) in CASES


@loop_over(("name", "accepted"), table("Arrow and Parquet"))
def test_an_arrow_type_is_accepted_for_these_types_and_no_other(name: str, accepted: str) -> None:
    column = ARROW[name.strip("`")]
    fits = [kind for kind in KINDS if not isinstance(TypedColumn("x", kind_of(kind)).values(column)[0], DecodeError)]
    assert sorted(fits) == sorted(texts(accepted))


def test_every_arrow_type_is_in_the_table() -> None:
    assert [name.strip("`") for name, _ in table("Arrow and Parquet")] == list(ARROW)


@loop_over(("name", "accepted"), table("Avro"))
def test_an_avro_type_is_accepted_for_these_types_and_no_other(name: str, accepted: str) -> None:
    kind, value = AVRO[name.strip("`")]
    writer = {"type": "record", "name": "Row", "fields": [{"name": "x", "type": kind}]}
    data = io.BytesIO()
    fastavro.schemaless_writer(data, fastavro.parse_schema(writer), {"x": value})
    fits = []
    for declared in KINDS:
        row = type("Row", (Record,), {"__annotations__": {"x": kind_of(declared)}})
        with suppress(DecodeError):
            AvroDecoder(parse(json.dumps(writer)), Schema(row)).decode(data.getvalue())
            fits.append(declared)
    assert sorted(fits) == sorted(texts(accepted))


def test_every_avro_type_is_in_the_table() -> None:
    assert [name.strip("`") for name, _ in table("Avro")] == list(AVRO)


def test_the_words_are_those_of_the_code() -> None:
    part = PAGE.partition("## Missing words in CSV\n")[2].partition(".\n\n")[0].partition("`None`:")[2]
    assert {*texts(part), ""} == NA_VALUES
