"""An output that JSON cannot represent was a dead letter in serving, but an internal error in a replay."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import rx

import makiserve
import makiserve.stream as rs
from makiserve.artifact import features_only

VALUES: list[Any] = [1.5, complex(1, 2), float("nan"), "\ud800", b"\xff", range(3), np.float32(2), {(1, 2): 3}, 2**70]
REFUSED = [1, 3, 5, 7]


class Reading(makiserve.Record):
    a: int


class Features(NamedTuple):
    value: Any


def features() -> makiserve.Transform:
    return rx.pipe(rs.ops.map(lambda i: Features(VALUES[i.a])))


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["out.jsonl", "out.csv", None])
def test_output_that_json_cannot_hold_is_a_dead_letter(tmp_path: Path, name: str | None, processes: int) -> None:
    folder = tmp_path / "readings"
    folder.mkdir()
    for file in ("1.csv", "2.csv"):
        folder.joinpath(file).write_text("a\n" + "".join(f"{number}\n" for number in range(len(VALUES))))
    output = tmp_path / name if name else None
    model = features_only(f"{__name__}:features")
    replay = makiserve.replay(model, folder, output=output, processes=processes)
    assert (replay.rows, replay.written) == (2 * len(VALUES), 2 * (len(VALUES) - len(REFUSED)))
    assert [(dead_letter.source, dead_letter.offset) for dead_letter in replay.dead] == [
        (f, n) for f in ("1.csv", "2.csv") for n in REFUSED
    ]
    assert replay.reasons == {"encode": 2 * len(REFUSED)}
    assert len(replay.frame) == replay.written
    if output:
        head = 1 if output.suffix == ".csv" else 0
        assert len(output.read_text().splitlines()) == replay.written + head
