"""Parquet: each row once, in its types, in bounded batches."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rx
import rx.operators
from rx.subject import Subject

from makiserve.errors import PipelineError
from makiserve.stream.rxsci.container import parquet
from tests.loops import loop_over

SCHEMA = pa.schema({"time": pa.int64(), "text": pa.string(), "xs": pa.list_(pa.float64())})


def rows(count: int) -> list[dict[str, Any]]:
    return [{"time": time, "text": str(time) if time % 3 else None, "xs": [time / 2]} for time in range(count)]


def outcome(stream: rx.Observable) -> list[Any]:
    notifications: list[Any] = []
    stream.subscribe(notifications.append, notifications.append)
    return notifications


@loop_over("count", [0, 1, 9, 10, 11, 20, 25])
@loop_over("compression", ["snappy", "zstd", None])
def test_rows_are_read_as_they_were_written(tmp_path: Path, count: int, compression: str | None) -> None:
    path = str(tmp_path / "file.parquet")
    dump = parquet.dump_to_file(path, SCHEMA, batch_size=10, compression=compression)
    assert outcome(rx.from_(rows(count)).pipe(dump)) == []
    assert outcome(parquet.load_from_file(path, batch_size=7)) == rows(count)
    assert pq.read_schema(path).equals(SCHEMA)


def test_batches_are_row_groups_or_several(tmp_path: Path) -> None:
    path = tmp_path / "file.parquet"

    def groups(**parameters: Any) -> list[int]:
        outcome(rx.from_(rows(25)).pipe(parquet.dump_to_file(path, SCHEMA, batch_size=10, **parameters)))
        content = pq.ParquetFile(path).metadata
        return [content.row_group(index).num_rows for index in range(content.num_row_groups)]

    assert groups() == [10, 10, 5]
    assert groups(row_group_size=4) == [4, 4, 2, 4, 4, 2, 4, 1]


def test_keys_that_are_absent_are_null_and_others_are_left_out() -> None:
    file = io.BytesIO()
    assert outcome(rx.of({"time": 1, "colour": "red"}).pipe(parquet.dump_to_file(file, SCHEMA))) == []
    assert outcome(parquet.load_from_file(file)) == [{"time": 1, "text": None, "xs": None}]


def test_a_value_of_another_type_is_the_streams_error(tmp_path: Path) -> None:
    path = tmp_path / "file.parquet"
    source = rx.from_([*rows(2), {"time": "noon"}, *rows(2)])
    (error,) = outcome(source.pipe(parquet.dump_to_file(path, SCHEMA, batch_size=2)))
    assert isinstance(error, (pa.ArrowInvalid, pa.ArrowTypeError))
    assert outcome(parquet.load_from_file(path)) == rows(2)  # the whole batches before it


def test_a_stream_that_fails_leaves_whole_batches_in_a_whole_file(tmp_path: Path) -> None:
    path, source = tmp_path / "file.parquet", Subject()
    errors: list[Any] = []
    source.pipe(parquet.dump_to_file(path, SCHEMA, batch_size=2)).subscribe(errors.append, errors.append)
    for row in rows(3):
        source.on_next(row)
    source.on_error(OSError("gone"))
    assert [str(error) for error in errors] == ["gone"]
    assert outcome(parquet.load_from_file(path)) == rows(2)


def test_file_that_is_not_parquet_is_an_error_of_the_stream(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("time,text\n")
    (error,) = outcome(parquet.load_from_file(tmp_path / "file"))
    assert isinstance(error, pa.ArrowInvalid)
    (error,) = outcome(parquet.load_from_file(tmp_path / "none"))
    assert isinstance(error, FileNotFoundError)


def test_reading_stops_with_the_subscription() -> None:
    file = io.BytesIO()
    outcome(rx.from_(rows(10)).pipe(parquet.dump_to_file(file, SCHEMA, batch_size=2)))
    assert outcome(parquet.load_from_file(file, batch_size=2).pipe(rx.operators.take(3))) == rows(3)


def test_an_empty_batch_is_refused() -> None:
    with pytest.raises(PipelineError, match="at least 1"):
        parquet.dump_to_file("file", SCHEMA, batch_size=0)
