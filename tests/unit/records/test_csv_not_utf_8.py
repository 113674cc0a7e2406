"""A CSV row with too many cells, one of them not UTF-8, made Arrow refuse the whole file."""

from __future__ import annotations

from pathlib import Path

import makiserve
from makiserve.errors import DecodeError
from makiserve.records import RecordFile, Schema


class Reading(makiserve.Record):
    a: int
    b: str


def test_the_other_rows_are_read(tmp_path: Path) -> None:
    path = tmp_path / "damaged.csv"
    path.write_bytes(b"a,b\n1,x\n4,\xff\xfe,5\n6,\xffy\n7,\xc3\xa9\n8,z")
    rows = [row for block in RecordFile(path, Schema(Reading)) for row in block]
    assert [row if isinstance(row, Reading) else type(row) for row in rows] == [
        Reading(1, "x"), DecodeError, DecodeError, Reading(7, "é"), Reading(8, "z"),
    ]  # fmt: skip
    assert str(rows[1]) == r"3 cells, but the header has 2: '4,\\xff\\xfe,5'"
    assert str(rows[2]) == r"field 'b': expected str, got b'\xffy', which is not UTF-8"
