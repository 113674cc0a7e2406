"""Replay a file that is larger than memory, and show the memory of the process on the way.

    python -m benchmarks.large --gigabytes 5

The file is SYNTHETIC: the same readings of a house, repeated, as CSV.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import pyarrow as pa
from pyarrow import csv
from rich.console import Console
from rich.table import Table

import makiserve
from models.electricity.data import house_table, write_house
from models.electricity.train import train

BLOCK_ROWS = 200_000


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--gigabytes", type=float, default=5.0, help="size of the file [5]")
    gigabytes = parser.parse_args().gigabytes
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
        write_house(Path("house.csv"), rows=50_000, seed=7)
        train(Path("house.csv"))
        rows = write_large(Path("large.csv"), int(gigabytes * 1e9))
        replay_large(Path("large.csv"), rows)


def write_large(path: Path, size: int) -> int:
    """Write the readings repeatedly, with increasing time, until the file has this size. Return the number of rows."""
    table = house_table(BLOCK_ROWS, seed=7)
    rows = 0
    with path.open("wb") as file:
        file.write((",".join(table.column_names) + "\n").encode())
        while file.tell() < size:
            shifted = table.set_column(0, "time", pa.compute.add(table["time"], rows))
            csv.write_csv(shifted, file, csv.WriteOptions(include_header=False, quoting_style="none"))
            rows += table.num_rows
    return rows


def replay_large(path: Path, rows: int) -> None:
    """Replay the file, and print the memory of this process after each tenth."""
    table = Table(title=f"{path.stat().st_size / 1e9:.2f} GB, {rows:,} rows", title_justify="left")
    for column in ("read", "rows/s", "resident memory, MB"):
        table.add_column(column, justify="right")
    start = time.perf_counter()
    next_tenth = 1

    def progress(records: int, share: float | None) -> None:
        nonlocal next_tenth
        if share is not None and share * 10 >= next_tenth:
            table.add_row(f"{share:.0%}", f"{records / (time.perf_counter() - start):,.0f}", f"{resident_mb():,.0f}")
            next_tenth += 1

    model = makiserve.load("models:/house@champion")
    table.add_row("0%", "", f"{resident_mb():,.0f}")
    replayed = makiserve.replay(model, path, output="predictions.parquet", collect=False, progress=progress)
    Console().print(table)
    print(f"{replayed.rows:,} rows, {replayed.written:,} outputs, in {replayed.seconds:.1f} s")


def resident_mb() -> float:
    """Return the resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
