"""A lane as records of a compacted topic, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

import makiserve.stream as rs
from makiserve.errors import StateError
from makiserve.scoring import Batch, Lane, Scorer
from makiserve.serving.state import checkpoint as module
from makiserve.serving.state.checkpoint import CheckpointWriter, Contents
from makiserve.serving.state.mark import Mark
from makiserve.stream.engine.parts import Parts
from makiserve.stream.engine.trace import trace
from tests.unit.serving.fakes import Step

LISTS = rs.ops.group_by(lambda step: int(step.value) % 3, [rs.data.batch(100)])


class Topic:
    """A partition of the state topic, compacted to the last record of each key."""

    def __init__(self, pipeline: Any = LISTS) -> None:
        self.scorer = Scorer(trace(pipeline), is_tracked=True)
        self.parts = tuple(map(Parts, self.scorer.checkpoints))
        self.records: dict[bytes, bytes | None] = {}

    def save(self, writer: CheckpointWriter, lane: Lane, offset: int) -> int:
        """Write a checkpoint; how many records it took."""
        records = list(writer.records(lane, Mark(0, "p", "d", 1, offset, lineage=writer.lineage)))
        assert records[-1][0] == b"mark"
        self.records |= records
        return len(records)

    def load(self, offset: int | None) -> tuple[Lane, CheckpointWriter]:
        contents = Contents()
        contents.add(self.records.items())
        return contents.lane(self.parts, offset)

    def feed(self, lane: Lane, values: Iterable[int]) -> None:
        self.scorer.rebuild(Batch(lane, [Step(float(value)) for value in values]))

    def dump(self, lane: Lane) -> list[bytes]:
        return [each.dump(state) for each, state in zip(self.scorer.checkpoints, lane.states, strict=True)]


@pytest.fixture(params=[900_000, 40], ids=["whole", "in chunks"])
def chunk_bytes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(module, "CHUNK_BYTES", request.param)
    return int(request.param)


@pytest.mark.usefixtures("chunk_bytes")
def test_a_lane_is_what_its_last_checkpoint_says_however_many_there_were() -> None:
    topic = Topic()
    lane, writer = topic.scorer.new_lane(), CheckpointWriter(topic.parts, [])
    for offset in range(1, 60):
        topic.feed(lane, [offset * offset])
        topic.save(writer, lane, offset)
        if offset % 7 == 0:
            lane, writer = topic.load(offset)
        assert topic.dump(topic.load(offset)[0]) == topic.dump(lane)


def test_a_part_that_shrinks_leaves_no_chunk_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK_BYTES", 40)
    topic = Topic(rs.ops.group_by(lambda step: 0, [rs.data.batch(50)]))
    lane, writer = topic.scorer.new_lane(), CheckpointWriter(topic.parts, [])
    topic.feed(lane, range(49))
    long = topic.save(writer, lane, 49)
    lane, writer = topic.load(49)
    topic.feed(lane, [1])  # the batch of 50 is full
    topic.save(writer, lane, 50)
    left = [key for key, value in topic.records.items() if value is not None]
    assert (long > 10, len(left)) == (True, 3)  # root, group, mark
    assert topic.dump(topic.load(50)[0]) == topic.dump(lane)


def test_a_whole_checkpoint_removes_what_belongs_to_another_state() -> None:
    topic = Topic()
    lane = topic.scorer.new_lane()
    topic.feed(lane, range(9))
    topic.save(CheckpointWriter(topic.parts, []), lane, 9)
    fresh = topic.scorer.new_lane()
    topic.feed(fresh, [0])
    topic.save(CheckpointWriter(topic.parts, topic.records), fresh, 10)
    assert topic.dump(topic.load(10)[0]) == topic.dump(fresh)
    assert sum(value is None for value in topic.records.values()) == 2


def test_what_a_whole_checkpoint_did_not_know_of_comes_back_never() -> None:
    topic = Topic()
    lane = topic.scorer.new_lane()
    topic.feed(lane, range(9))
    topic.save(CheckpointWriter(topic.parts, []), lane, 9)
    fresh = topic.scorer.new_lane()
    topic.feed(fresh, [0])
    topic.save(CheckpointWriter(topic.parts, []), fresh, 10)
    assert topic.dump(topic.load(10)[0]) == topic.dump(fresh)


def test_a_checkpoint_of_another_offset_is_refused() -> None:
    topic = Topic()
    lane = topic.scorer.new_lane()
    with pytest.raises(StateError, match="holds no checkpoint, not that of offset 3"):
        topic.load(3)
    topic.save(CheckpointWriter(topic.parts, []), lane, 4)
    with pytest.raises(StateError, match="holds the checkpoint of offset 4, not that of offset 3"):
        topic.load(3)


def test_a_missing_chunk_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK_BYTES", 20)
    topic = Topic()
    lane = topic.scorer.new_lane()
    topic.feed(lane, range(30))
    topic.save(CheckpointWriter(topic.parts, []), lane, 30)
    chunk = next(key for key in topic.records if key.endswith(b"\x00\x01"))
    del topic.records[chunk]
    with pytest.raises(StateError, match="it is damaged: KeyError"):
        topic.load(30)
