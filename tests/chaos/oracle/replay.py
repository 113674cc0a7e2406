"""Runs the replay command as a user does."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.chaos.oracle.log import Entry

DEAD = re.compile(r"^dead letters\s+([\d,]+)", re.MULTILINE)


Call = Callable[[list[str], Path], str]
"""Runs the command with these arguments in this folder, and returns its output."""


class Replayed(NamedTuple):
    """The result of the replay of a partition.

    Attributes:
        outputs: the offset of the record and the prediction of each output, in order.
        dead: number of dead letters.
    """

    outputs: list[tuple[int, float]]
    dead: int


def replay(
    model: str,
    input_: Mapping[int, list[Entry]],
    directory: Path,
    call: Call,
    past: Mapping[int, list[bytes]] | None = None,
) -> dict[int, Replayed]:
    """Replay each partition separately, two at a time.

    Args:
        past: values of records that precede those of each partition, all of which can be scored.
    """
    directory.mkdir(parents=True, exist_ok=True)

    def replayed(number: int) -> Replayed:
        path = directory / f"partition-{number}.jsonl"
        return _replay(model, (past or {}).get(number, []), input_[number], path, call)

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(input_, pool.map(replayed, input_), strict=True))


def switched(replays: Mapping[str, Replayed], outputs: list[Entry]) -> Replayed:
    """Return the result of a replay that scores each record with the version that its outputs name.

    Args:
        replays: the replays of one partition, by version.
        outputs: the outputs of the service.
    """
    versions = {entry.source[1]: entry.version for entry in outputs if entry.source}
    first = next(iter(replays.values()))
    chosen = [replays.get(versions.get(offset, ""), first) for offset, _ in first.outputs]
    return Replayed([replay.outputs[index] for index, replay in enumerate(chosen)], first.dead)


def _replay(model: str, past: list[bytes], entries: list[Entry], path: Path, call: Call) -> Replayed:
    lines = [*past, *(entry.value or b"null" for entry in entries)]  # null is not an event either
    assert not any(b"\n" in line or line.isspace() for line in lines), "a value that is not one line cannot be replayed"
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    output = path.with_suffix(".csv")
    text = call(["--model", model, "--replay", str(path), "--output", str(output)], path.parent)
    dead = DEAD.search(text)
    assert dead, text
    with output.open(newline="") as file:
        outputs = [(int(row["offset"]) - len(past), float(row["prediction"])) for row in csv.DictReader(file)]
    rows = [(entries[at].offset, prediction) for at, prediction in outputs if at >= 0]
    return Replayed(rows, int(dead[1].replace(",", "")))
