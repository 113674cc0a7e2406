"""Record types from data and schemas: what is written accepts what it was written from."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from makiserve.errors import DecodeError, SourceError
from makiserve.records import Record, RecordFile, Schema
from makiserve.records.avro import parse
from makiserve.records.inference import (
    InferredField,
    InferredRecord,
    class_name,
    fields_of_file,
    fields_of_json,
    fields_of_json_schema,
    record_of_avro,
    source_of,
)

HOUSE = """time,House overall [kW],windSpeed,icon,since,class,note,isOn
1,0.5,9,rain,2013-01-01,a,,true
2,1,NA,NA,2013-01-02,b,,false
"""
EXPECTED = '''from __future__ import annotations

from datetime import date
from typing import Any

import makiserve


class House(makiserve.Record):
    """A row."""

    time: int
    house_overall_kw: float = makiserve.field(name="House overall [kW]")
    since: date
    class_: str = makiserve.field(name="class")
    is_on: bool = makiserve.field(name="isOn")
    wind_speed: int | None = makiserve.field(name="windSpeed", default=None)
    icon: str | None = None
    note: Any = None
'''


def record_from(source: str, name: str) -> type[Record]:
    module = types.ModuleType("written")
    sys.modules["written"] = module  # where msgspec looks for the names in the annotations
    exec(source.replace("import makiserve\n", "import makiserve\n__name__ = 'written'\n"), module.__dict__)
    found: type[Record] = module.__dict__[name]
    return found


def test_a_csv_file_becomes_a_record_type_that_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "house.csv"
    path.write_text(HOUSE)
    source = source_of(InferredRecord("House", "A row.", fields_of_file(path)))
    assert source == EXPECTED
    rows = [row for block in RecordFile(path, Schema(record_from(source, "House"))) for row in block]
    assert len(rows) == 2
    assert not any(isinstance(row, DecodeError) for row in rows)


@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
def test_other_files_become_a_record_type_that_reads_them(tmp_path: Path, suffix: str) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": [1.5, None], "c": ["x", "y"], "d": [[1.5], [2.0]], "e": [True, False]})
    path = tmp_path / f"rows.{suffix}"
    if suffix == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_json(path, orient="records", lines=True)
    found = fields_of_file(path)
    assert found == [
        InferredField("a", "int", False),
        InferredField("b", "float", True),
        InferredField("c", "str", False),
        InferredField("d", "list[float]", False),
        InferredField("e", "bool", False),
    ]
    record = record_from(source_of(InferredRecord("Row", "A row.", found)), "Row")
    assert not any(isinstance(row, DecodeError) for block in RecordFile(path, Schema(record)) for row in block)


def test_fields_that_some_messages_lack_are_optional() -> None:
    messages = [b'{"a": 1, "b": {"x": 1}}', b'{"a": 1.5, "c": "2013-01-01T00:00:00Z"}', b"damaged", b"[]"]
    assert fields_of_json(messages) == [
        InferredField("a", "float", False),
        InferredField("b", "dict[str, float]", True),
        InferredField("c", "datetime", True),
    ]
    with pytest.raises(SourceError, match="no JSON object"):
        fields_of_json([b"damaged"])


AVRO: dict[str, Any] = {
    "type": "record",
    "name": "a.Reading",
    "fields": [
        {"name": "time", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "power", "type": ["null", "double"]},
        {"name": "place", "type": {"type": "enum", "name": "Place", "symbols": ["A", "B"]}},
        {
            "name": "meters",
            "type": {
                "type": "array",
                "items": {"type": "record", "name": "Meter", "fields": [{"name": "id", "type": "string"}]},
            },
        },
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
        {"name": "mixed", "type": ["string", "long", "int"]},
    ],
}


def test_an_avro_schema_becomes_a_record_type() -> None:
    source = source_of(record_of_avro("Reading", "A message.", parse(json.dumps(AVRO))))
    assert 'place: Literal["A", "B"]' in source
    assert "meters: list[Meter]" in source
    assert "power: float | None = None" in source
    assert "mixed: str | int" in source
    schema = Schema(record_from(source, "Reading"))
    found = schema.decode_json(
        b'{"time": "2013-01-01T00:00:00Z", "place": "A", "meters": [{"id": "7"}], "price": 1.5, "mixed": 5}'
    )
    assert (found.meters[0].id, found.power) == ("7", None)  # type: ignore[attr-defined]


def test_a_recursive_avro_schema_becomes_a_record_type() -> None:
    link = {"type": "record", "name": "Link", "fields": [{"name": "next", "type": ["null", "Link"]}]}
    writer = {"type": "record", "name": "Row", "fields": [{"name": "first", "type": link}]}
    source = source_of(record_of_avro("Row", "A message.", parse(json.dumps(writer))))
    found = Schema(record_from(source, "Row")).decode_json(b'{"first": {"next": {"next": null}}}')
    assert found.first.next.next is None  # type: ignore[attr-defined]


def test_a_schema_that_is_no_record_is_refused() -> None:
    with pytest.raises(SourceError, match="of the type string, not a record"):
        record_of_avro("Row", "", parse('"string"'))
    with pytest.raises(SourceError, match="has no properties"):
        fields_of_json_schema({"type": "array"})


def test_a_json_schema_becomes_fields() -> None:
    schema = {
        "properties": {
            "a": {"type": "integer"},
            "b": {"type": ["null", "number"]},
            "c": {"oneOf": [{"type": "null"}, {"type": "string", "format": "date-time"}]},
            "d": {"type": "array", "items": {"type": "string"}},
            "e": {},
        },
        "required": ["a", "b", "d", "e"],
    }
    assert fields_of_json_schema(schema) == [
        InferredField("a", "int", False),
        InferredField("b", "float", True),
        InferredField("c", "datetime", True),
        InferredField("d", "list[str]", False),
        InferredField("e", "Any", False),
    ]


@pytest.mark.parametrize(
    ("text", "name"),
    [("house-value", "House"), ("com.acme.House", "House"), ("house_readings", "HouseReadings"), ("7up", "Record7up")],
)
def test_a_class_is_named_for_its_source(text: str, name: str) -> None:
    assert class_name(text) == name
