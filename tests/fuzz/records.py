"""Messages, files and columns become records, or errors that records and files may cause."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pyarrow as pa
from pyarrow import parquet

from makiserve.errors import DecodeError, SourceError
from makiserve.records.content import Content
from makiserve.records.csv import read_csv
from makiserve.records.parquet import read_parquet
from makiserve.records.record_file import Reader, read_json_lines
from makiserve.records.typed import TypedColumn
from makiserve.records.unseen import UnseenFields
from tests.fuzz.inputs import GOOD, JSON, SCHEMA, Reading, damaged, plain

CSV = (
    "time,value,at,span,amount,id,kind,share,note\n"
    + f"1,1.5,2013-01-01T05:00:00Z,PT5S,1.50,{UUID(int=7)},a,0.5,x\n" * 2
    + '2,+.5,,,NA,,b,,"several\nlines, ""quoted"""\n3,nan,null,,,,,,ä\n'
).encode()


KINDS: list[Any] = [float, int, bool, str, bytes, datetime, timedelta, Decimal, UUID, float | None, list[float], Any]
STORED: list[Any] = [
    *(pa.int8(), pa.uint64(), pa.float16(), pa.float32(), pa.float64(), pa.bool_(), pa.string(), pa.large_string()),
    *(pa.binary(), pa.date32(), pa.date64(), pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns")),
    *(pa.timestamp(unit, zone) for unit in ("s", "ms", "us", "ns") for zone in (None, "UTC", "Asia/Tokyo", "no/zone")),
    *(pa.duration(unit) for unit in ("s", "ms", "us", "ns")),
    *(pa.decimal128(38, 3), pa.decimal256(76, 0), pa.binary(16), pa.month_day_nano_interval()),
]


PATH = Path("fuzz")
PARQUET = io.BytesIO()
parquet.write_table(pa.Table.from_pylist([{"time": 1, "value": 1.5, "note": "x", "parts": [1.0]}] * 3), PARQUET)


def message(random: Random) -> bytes:
    if random.random() < 0.5:
        return damaged(random, JSON)
    values = {**GOOD, random.choice(list(GOOD)): plain(random), random.choice(list(GOOD)): plain(random)}
    return json.dumps(values, default=str).encode()


def fuzz_messages(random: Random) -> None:
    check_decoded(SCHEMA.decode_messages([message(random), None, JSON]), 3)


def check_decoded(records: Sequence[Any], count: int | None = None) -> None:
    assert count in (None, len(records))
    for record in records:
        assert isinstance(record, (Reading, DecodeError))
        assert not isinstance(record, DecodeError) or len(str(record)) < 1000


def read(reader: Reader, data: bytes) -> None:
    content = Content(data[: 1 << 20], io.BytesIO(data), io.BytesIO(data))
    with suppress(SourceError):
        for block in reader(content, PATH, SCHEMA, UnseenFields(SCHEMA)):
            check_decoded(block)


def fuzz_csv(random: Random) -> None:
    header, _, rows = CSV.partition(b"\n")
    keeps_header = random.random() < 0.8
    read(read_csv, header + b"\n" + damaged(random, rows) if keeps_header else damaged(random, CSV))


def fuzz_json_lines(random: Random) -> None:
    read(read_json_lines, damaged(random, b"\n".join((message(random), JSON, b"", message(random)))))


def fuzz_parquet(random: Random) -> None:
    read(read_parquet, damaged(random, PARQUET.getvalue()))


def fuzz_arrow(random: Random) -> None:
    """Any bits in a column of any type."""
    kind, count = random.choice(STORED), random.randrange(1, 4)
    ends = sorted(random.randrange(9) for _ in range(count))
    width = 8 if pa.types.is_large_string(kind) else 4
    offsets = b"".join(end.to_bytes(width, "little") for end in [0, *ends])
    bits = b"".join(random.choice((bytes(16), random.randbytes(16), b"\xff" * 16)) for _ in range(2 * count))
    has_offsets = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind)
    valid = pa.py_buffer(random.randbytes(1)) if random.random() < 0.5 else None
    buffers = [valid, pa.py_buffer(offsets), pa.py_buffer(bits)] if has_offsets else [valid, pa.py_buffer(bits)]
    column = pa.Array.from_buffers(kind, count, buffers)
    wrapped = random.choice(
        (column, column.slice(1), pa.ListArray.from_arrays(pa.array([0, count], pa.int32()), column))
    )
    values = TypedColumn("x", random.choice(KINDS)).values(wrapped)
    assert len(values) == len(wrapped)
    assert all(not isinstance(value, DecodeError) or len(str(value)) < 1000 for value in values)
