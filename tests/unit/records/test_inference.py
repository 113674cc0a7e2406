"""Record types from data: what is written accepts what it was written from."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import pandas as pd
import pytest

from makiserve.errors import DecodeError, SourceError
from makiserve.records import Record, RecordFile, Schema
from makiserve.records.inference import (
    InferredField,
    InferredRecord,
    fields_of_file,
    fields_of_json,
    fields_of_table,
    source_of,
)
from makiserve.records.lake import open_table

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
    record: type[Record] = module.__dict__[name]
    return record


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
    fields = fields_of_file(path)
    assert fields == [
        InferredField("a", "int", False),
        InferredField("b", "float", True),
        InferredField("c", "str", False),
        InferredField("d", "list[float]", False),
        InferredField("e", "bool", False),
    ]
    record = record_from(source_of(InferredRecord("Row", "A row.", fields)), "Row")
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


def test_a_table_becomes_a_record_type_with_its_partitions(tmp_path: Path) -> None:
    for day, power in ((1, [1.5, None]), (2, [2.0, 3.0])):
        folder = tmp_path / "house" / f"day={day}"
        folder.mkdir(parents=True)
        pd.DataFrame({"power": power, "room": ["a", "b"]}).to_parquet(folder / "part.parquet")
    assert fields_of_table(open_table(str(tmp_path / "house"))) == [
        InferredField("power", "float", True),
        InferredField("room", "str", False),
        InferredField("day", "int", False),
    ]


TRAIN = """import pandas as pd
from features import Event, features

past = pd.read_csv("past.csv")
model.fit(past[["a", "b"]], past["c"])
"""


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("train.py", TRAIN, "train.py is Python code. A record type is written from a file of data: CSV"),
        ("notebook.ipynb", '{"cells": []}', "is Python code"),
        ("house.yaml", "a: 1", "is a configuration file"),
        ("house.xlsx", "PK\3\4\0", "is a spreadsheet"),
        ("house.bin", "a\0b", "is not text"),
        ("house.json", ' [\n {"a": 1}]', "is a JSON list"),
        ("house.json", '{\n "a": 1\n}', "each line of a file and each message of a topic must be one object"),
        ("house.avro", "Obj\1", "is an Avro file"),
        (
            "train",
            "import a\nx = f(1, 2)\ny = f(3, 4)\n",
            "does not look like a table: 2 of 2 rows do not fit the header",
        ),
    ],
)
def test_a_file_of_another_format_is_refused(tmp_path: Path, name: str, content: str, words: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(SourceError, match=re.escape(words)):
        fields_of_file(path)


def test_a_header_in_brackets_is_not_a_json_list(tmp_path: Path) -> None:
    path = tmp_path / "house.csv"
    path.write_text("[kW],b\n1.5,2\n")
    assert fields_of_file(path) == [InferredField("[kW]", "float", False), InferredField("b", "int", False)]
