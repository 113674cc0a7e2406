"""RxSci writes the last batch of a Parquet file twice when the batches come out even: 1024 rows become 2048."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rx

import makiserve.stream as rs
from makiserve.stream.rxsci.container import parquet


@pytest.mark.parametrize("count", [1023, 1024, 1025, 2048])
def test_parquet_rows_are_written_once(tmp_path: Path, count: int) -> None:
    path = tmp_path / "file.parquet"
    rs.run(rx.from_({"i": i} for i in range(count)).pipe(parquet.dump_to_file(path, pa.schema({"i": pa.int64()}))))
    assert pq.read_table(path)["i"].to_pylist() == list(range(count))
