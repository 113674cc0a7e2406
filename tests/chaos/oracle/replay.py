"""The replay command, called as a person calls it."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.chaos.oracle.log import Entry

ROOT = Path(__file__).resolve().parents[3]
DEAD = re.compile(r"^dead letters\s+([\d,]+)", re.MULTILINE)


class Replayed(NamedTuple):
    """What a replay of a partition gives.

    Attributes:
        outputs: offset of the causing record and the prediction, in order.
        dead: how many records became dead letters.
    """

    outputs: list[tuple[int, float]]
    dead: int


def replay(model: str, input_: Mapping[int, list[Entry]], directory: Path) -> dict[int, Replayed]:
    """Replay each partition on its own, two at a time."""
    directory.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(2) as pool:
        one = lambda number: _replay(model, input_[number], directory / f"partition-{number}.jsonl")  # noqa: E731
        return dict(zip(input_, pool.map(one, input_), strict=True))


def _replay(model: str, entries: list[Entry], path: Path) -> Replayed:
    lines = [entry.value or b"null" for entry in entries]  # no value is no event, and neither is null
    assert not any(b"\n" in line or line.isspace() for line in lines), "a value that is not one line cannot be replayed"
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    output = path.with_suffix(".csv")
    command = [sys.executable, "-m", "makiserve", "--model", model, "--replay", str(path), "--output", str(output)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=path.parent, env=environment, capture_output=True, text=True, check=False)
    dead = DEAD.search(done.stdout)
    assert done.returncode == 0, done.stderr
    assert dead, done.stdout
    with output.open(newline="") as file:
        rows = [(entries[int(row["offset"])].offset, float(row["prediction"])) for row in csv.DictReader(file)]
    return Replayed(rows, int(dead[1].replace(",", "")))
