"""Replay 50 million rows in one process: rolling features of 10,000 keys, from Parquet to Parquet.

    python -m benchmarks.scale --rows 50000000

The rows are generated, and written in row groups. The table shows the progress: the rows so far, their rate,
the CPU seconds, and the peak memory of the process. At the end, all outputs of one key are compared with numpy's.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet
from rich.console import Console
from rich.table import Table

import makiserve
from benchmarks.windows import WINDOW
from makiserve.artifact import features_only

GROUP_ROWS = 500_000
KEYS = 10_000
CHECKED = "7"
MEAN_TOLERANCE = 1e-9


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--rows", type=int, default=50_000_000, help="number of rows [50,000,000]")
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        source, output = Path(folder, "readings.parquet"), Path(folder, "windows.parquet")
        write_readings(source, rows)
        print(f"wrote {rows:,} rows of {KEYS:,} keys, {source.stat().st_size / 1e6:,.0f} MB")
        replay_readings(source, output, rows)
        print(f"{output.name}: {output.stat().st_size / 1e6:,.0f} MB")
        check_key(source, output, rows)


def write_readings(path: Path, rows: int) -> None:
    """Write readings of random keys, one a second, in row groups."""
    rng, first = np.random.default_rng(20261129), np.datetime64("2026-01-01", "us")
    writer = None
    for start in range(0, rows, GROUP_ROWS):
        count = min(GROUP_ROWS, rows - start)
        at = first + np.arange(start, start + count).astype("timedelta64[s]")
        group = pa.table(
            {
                "key": pa.array(rng.integers(0, KEYS, count)).cast(pa.string()),
                "at": pa.array(at).cast(pa.timestamp("us", "UTC")),
                "value": rng.normal(20, 5, count).round(2),
            }
        )
        writer = writer or parquet.ParquetWriter(path, group.schema)
        writer.write_table(group)
    if writer:
        writer.close()


def replay_readings(source: Path, output: Path, rows: int) -> None:
    """Replay the readings, and print time and memory after each tenth."""
    table = Table(title=f"{rows:,} rows, {KEYS:,} keys, windows of {WINDOW} values", title_justify="left")
    for column in ("rows", "s", "rows/s", "CPU s", "peak memory, MB"):
        table.add_column(column, justify="right")
    pipeline = features_only("benchmarks.windows:features")
    start, cpu_start, next_tenth = time.perf_counter(), time.process_time(), 1
    table.add_row("0", "", "", "", f"{peak_mb():,.0f}")

    def progress(records: int, share: float | None) -> None:
        nonlocal next_tenth
        if records * 10 >= next_tenth * rows:
            seconds, cpu_s = time.perf_counter() - start, time.process_time() - cpu_start
            table.add_row(
                f"{records:,}", f"{seconds:,.0f}", f"{records / seconds:,.0f}", f"{cpu_s:,.0f}", f"{peak_mb():,.0f}"
            )
            next_tenth = records * 10 // rows + 1

    replayed = makiserve.replay(pipeline, source, output=output, collect=False, progress=progress)
    Console().print(table)
    rate, peak = replayed.rows / replayed.seconds, peak_mb()
    counts = f"{replayed.rows:,} rows, {replayed.written:,} outputs"
    print(f"{counts} in {replayed.seconds:,.0f} s: {rate:,.0f} rows/s, {peak:,.0f} MB")
    if replayed.rows != rows or replayed.reasons:
        raise AssertionError(f"{replayed.rows:,} of {rows:,} rows, dead letters: {replayed.reasons}")


def check_key(source: Path, output: Path, rows: int) -> None:
    """Compare all outputs of one key with windows that numpy computes.

    Raises:
        AssertionError: they differ, or the number of all outputs is wrong.
    """
    counts, offsets, values = np.zeros(KEYS, np.int64), [], []
    for start, batch in _batches(source, ["key", "value"]):
        keys = batch.column("key").cast(pa.int64()).to_numpy()
        counts += np.bincount(keys, minlength=KEYS)
        chosen = np.flatnonzero(keys == int(CHECKED))
        offsets.append(start + chosen)
        values.append(batch.column("value").to_numpy()[chosen])
    expected = np.concatenate(offsets)[WINDOW - 1 :]
    windows = np.lib.stride_tricks.sliding_window_view(np.concatenate(values), WINDOW)
    total, parts = 0, []
    for _, batch in _batches(output, ["offset", "value", "mean", "low", "high"]):
        total += batch.num_rows
        parts.append(batch.filter(pc.is_in(batch.column("offset"), pa.array(expected))))
    actual = pa.Table.from_batches(parts)
    assert total == np.maximum(counts - WINDOW + 1, 0).sum(), f"{total:,} outputs"
    np.testing.assert_array_equal(actual["offset"].to_numpy(), expected)
    np.testing.assert_array_equal(actual["value"].to_numpy(), windows[:, -1])
    np.testing.assert_allclose(actual["mean"].to_numpy(), windows.mean(1), MEAN_TOLERANCE)
    np.testing.assert_array_equal(actual["low"].to_numpy(), windows.min(1))
    np.testing.assert_array_equal(actual["high"].to_numpy(), windows.max(1))
    print(f"number of outputs, and all {len(expected):,} windows of key {CHECKED}: as numpy computes them")


def _batches(path: Path, columns: list[str]) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield batches of a file, each with the number of its first row."""
    start = 0
    for batch in parquet.ParquetFile(path, pre_buffer=False).iter_batches(GROUP_ROWS, columns=columns):
        yield start, batch
        start += batch.num_rows


def peak_mb() -> float:
    """Return the maximum resident memory that this process has had so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


if __name__ == "__main__":
    main()
