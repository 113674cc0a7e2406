"""Many entities in one file, and the part of a replay that is shown."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import makiserve
from makiserve.artifact import PackagedModel
from makiserve.errors import ConfigurationError
from makiserve.offline.feed import Selection
from makiserve.offline.lanes import lanes_of
from makiserve.offline.sources import Block
from makiserve.records import Schema
from makiserve.scoring import Scorer
from makiserve.scoring.predictor import Companions
from makiserve.stream.engine.trace import trace
from tests.unit.offline.powers import Double, Reading, pipeline
from tests.unit.offline.test_replay import HEADER, write


def interleaved(tmp_path: Path, count: int = 200) -> tuple[list[str], Path]:
    """Rows of three houses, some of them bad."""
    chance = random.Random(5)
    rows = [f"{n},{chance.choice('abc')},{chance.choice([n / 3, -1, 13, 'x'])}" for n in range(count)]
    path = tmp_path / "houses.csv"
    path.write_text(HEADER + "\n".join(rows) + "\n")
    return rows, path


def test_each_value_of_a_field_is_a_lane(model: PackagedModel, tmp_path: Path) -> None:
    rows, path = interleaved(tmp_path)
    whole = makiserve.replay(model, path, lane_by="house")
    outputs, dead = [], []
    for house in "abc":
        numbered = [(n, row) for n, row in enumerate(rows) if row.split(",")[1] == house]
        (tmp_path / "own.csv").write_text(HEADER + "\n".join(row for _, row in numbered) + "\n")
        alone = makiserve.replay(model, tmp_path / "own.csv")
        outputs += [(numbered[offset][0], house, value) for offset, value in alone.outputs]
        dead += [(numbered[letter.offset][0], str(letter.error)) for letter in alone.dead]
    frame = whole.frame
    assert list(zip(frame["offset"], frame["key"], frame["prediction"], strict=True)) == sorted(outputs)
    assert [(letter.offset, str(letter.error)) for letter in whole.dead] == sorted(dead)


def test_lane_continues_in_the_next_file(model: PackagedModel, tmp_path: Path) -> None:
    paths = [write(tmp_path / "1.csv", [1, 2], "a"), write(tmp_path / "2.csv", [3, 4], "a")]
    assert makiserve.replay(model, paths).outputs == []
    assert makiserve.replay(model, paths, lane_by="house").outputs == [(0, 4.0), (1, 6.0)]


def test_a_frame_of_many_entities_is_indexed_by_them(tmp_path: Path) -> None:
    path = tmp_path / "houses.csv"
    path.write_text(HEADER + "".join(f"{n},{'ab'[n % 2]},{n}\n" for n in range(8)))
    frame = makiserve.features_frame(path, features=pipeline, record=Reading, lane_by="house")
    assert frame.index.names == ["house", "offset"]
    assert list(frame.index) == [("a", 4), ("b", 5), ("a", 6), ("b", 7)]
    assert list(frame["mean"]) == [2.0, 3.0, 4.0, 5.0]


def test_part_of_a_replay_equals_that_part_of_the_whole(model: PackagedModel, tmp_path: Path) -> None:
    _, path = interleaved(tmp_path)
    for lane_by in (None, "house"):
        whole = makiserve.replay(model, path, lane_by=lane_by)
        part = makiserve.replay(model, path, lane_by=lane_by, selection=Selection(emit_from=50, limit=100))
        assert part.outputs == [output for output in whole.outputs if 50 <= output[0] < 150]
        assert [dead_letter.offset for dead_letter in part.dead] == [
            dead_letter.offset for dead_letter in whole.dead if 50 <= dead_letter.offset < 150
        ]
        assert part.rows == 100


def test_a_limit_is_over_all_files(model: PackagedModel, tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{n}.csv", [1, 2, 3, 4]) for n in range(3)]
    part = makiserve.replay(model, paths, selection=Selection(limit=7))
    assert part.rows == 7
    assert list(part.frame["source"]) == ["0.csv", "0.csv", "1.csv"]


def test_a_sample_is_the_same_part_each_time(alarmed: PackagedModel, model: PackagedModel, tmp_path: Path) -> None:
    path = write(tmp_path / "house.csv", [n / 10 for n in range(5000)])
    for packaged in (model, alarmed):
        whole = makiserve.replay(packaged, path).outputs
        part = makiserve.replay(packaged, path, selection=Selection(sample=0.1)).outputs
        assert set(map(str, part)) < set(map(str, whole))
        assert 0.09 < len(part) / len(whole) < 0.11
        assert part == makiserve.replay(packaged, path, selection=Selection(sample=0.1)).outputs


@pytest.mark.parametrize("wrong", [{"emit_from": -1}, {"limit": 0}, {"sample": 0.0}, {"sample": 1.5}])
def test_a_selection_of_nothing_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match=r"^(emit_from|sample|limit)="):
        Selection(**wrong)


def test_lane_by_that_is_not_a_field_is_refused(model: PackagedModel, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"lane_by=.owner.: not a field of Reading"):
        makiserve.replay(model, write(tmp_path / "house.csv", [1]), lane_by="owner")


@pytest.mark.parametrize("lane_by", [None, "house"])
def test_replay_lanes_and_a_sample_keep_the_shadows_predictions(lane_by: str | None) -> None:
    records = [Reading(number, "ab"[number % 2], number / 10) for number in range(40)]
    scorer = Scorer(trace(pipeline()), Double(), companions=Companions(shadow=Double()))
    block = Block("house.csv", range(40), records)

    _, scored = lanes_of(scorer, Schema(Reading), lane_by).score(block)
    sampled = Selection(sample=0.5).sampled(scored, block.offsets)

    assert scored.shadow == list(zip(scored.causes, scored.predictions, strict=True))
    assert sampled.shadow == list(zip(sampled.causes, sampled.predictions, strict=True))
    assert 0 < len(sampled.causes) < len(scored.causes)
