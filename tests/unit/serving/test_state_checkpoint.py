"""A lane as records of a compacted topic, and back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

import makiserve.stream as rs
from makiserve.errors import StateError
from makiserve.scoring import Batch, Lane, Scorer
from makiserve.serving.state import checkpoint as module
from makiserve.serving.state.checkpoint import MARK, CheckpointWriter
from makiserve.serving.state.contents import Contents
from makiserve.serving.state.offset_metadata import OffsetMetadata
from makiserve.serving.state.parts_index import Manifest
from makiserve.stream.columns.choose import parts_of
from makiserve.stream.engine.trace import trace
from tests.unit.serving.fakes import Step

LISTS = rs.ops.group_by(lambda step: int(step.value) % 3, [rs.data.batch(100)])
AGING = rs.ops.group_by(
    lambda step: int(step.value) // 7,
    [rs.ops.count()],
    ttl=timedelta(milliseconds=20),
    time_mapper=lambda step: int(step.value),
)
"""Groups of seven records that are forgotten twenty records later."""

MANY = rs.ops.group_by(lambda step: int(step.value) % 11, [rs.ops.count()])


class Topic:
    """A partition of the state topic, compacted to the last record of each key."""

    def __init__(self, pipeline: Any = LISTS) -> None:
        self.scorer = Scorer(trace(pipeline), is_tracked=True)
        self.parts = tuple(map(parts_of, self.scorer.checkpoints))
        self.records: dict[bytes, bytes | None] = {}

    def save(self, writer: CheckpointWriter, lane: Lane, offset: int) -> int:
        """Write a checkpoint; how many records it took."""
        records = writer.write(lane)
        assert not writer.is_open
        self.complete(writer, offset)
        self.records |= records
        return len(records)

    def complete(self, writer: CheckpointWriter, offset: int) -> None:
        self.mark = OffsetMetadata(0, "p", "d", 1, "in", writer.state_id, offset, writer.manifest)
        self.records[MARK] = str(self.mark).encode()

    def load(self, mark: OffsetMetadata | None = None) -> tuple[Lane, CheckpointWriter]:
        contents = Contents()
        contents.add(self.records.items())
        return contents.lane(self.parts, mark or self.mark)

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
    lane, writer = topic.scorer.new_lane(), CheckpointWriter(topic.parts)
    for offset in range(1, 60):
        topic.feed(lane, [offset * offset])
        topic.save(writer, lane, offset)
        if offset % 7 == 0:
            lane, writer = topic.load()
        assert topic.dump(topic.load()[0]) == topic.dump(lane)


def test_a_part_that_shrinks_leaves_no_chunk_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK_BYTES", 40)
    topic = Topic(rs.ops.group_by(lambda step: 0, [rs.data.batch(50)]))
    lane, writer = topic.scorer.new_lane(), CheckpointWriter(topic.parts)
    topic.feed(lane, range(49))
    long = topic.save(writer, lane, 49)
    lane, writer = topic.load()
    topic.feed(lane, [1])  # the batch of 50 is full
    topic.save(writer, lane, 50)
    left = [key for key, value in topic.records.items() if value is not None]
    assert (long > 10, len(left)) == (True, 3)  # root, group, mark
    assert topic.dump(topic.load()[0]) == topic.dump(lane)


def test_a_whole_checkpoint_removes_what_belongs_to_another_state() -> None:
    topic = Topic()
    lane = topic.scorer.new_lane()
    topic.feed(lane, range(9))
    topic.save(CheckpointWriter(topic.parts), lane, 9)
    fresh = topic.scorer.new_lane()
    topic.feed(fresh, [0])
    topic.save(CheckpointWriter(topic.parts, [key for key in topic.records if key != MARK]), fresh, 10)
    assert topic.dump(topic.load()[0]) == topic.dump(fresh)
    assert sum(value is None for value in topic.records.values()) == 2


def test_what_a_whole_checkpoint_did_not_know_of_comes_back_never() -> None:
    topic = Topic()
    lane = topic.scorer.new_lane()
    topic.feed(lane, range(9))
    topic.save(CheckpointWriter(topic.parts), lane, 9)
    fresh = topic.scorer.new_lane()
    topic.feed(fresh, [0])
    topic.save(CheckpointWriter(topic.parts), fresh, 10)
    assert topic.dump(topic.load()[0]) == topic.dump(fresh)


def test_a_checkpoint_of_another_offset_is_refused() -> None:
    topic = Topic()
    lane = topic.scorer.new_lane()
    committed = OffsetMetadata(0, "p", "d", 1, "in", "00000001", 3, Manifest(1, 1))
    with pytest.raises(StateError, match="has no checkpoint instead of the checkpoint of offset 3"):
        topic.load(committed)
    topic.save(CheckpointWriter(topic.parts), lane, 4)
    with pytest.raises(StateError, match="has the checkpoint of offset 4 instead of the checkpoint of offset 3"):
        topic.load(committed)
    topic.save(CheckpointWriter(topic.parts), lane, 3)
    with pytest.raises(StateError, match=r"with other state .* instead of the checkpoint of offset 3"):
        topic.load(committed)


def test_a_missing_chunk_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK_BYTES", 20)
    topic = Topic()
    lane = topic.scorer.new_lane()
    topic.feed(lane, range(30))
    topic.save(CheckpointWriter(topic.parts), lane, 30)
    chunk = next(key for key in topic.records if key.endswith(b"\x00\x01"))
    del topic.records[chunk]
    with pytest.raises(StateError, match="it is damaged: KeyError"):
        topic.load()


def test_lane_with_a_missing_part_is_refused() -> None:
    """As retention leaves it, that removes the records of quiet keys."""
    topic = Topic()
    lane, writer = topic.scorer.new_lane(), CheckpointWriter(topic.parts)
    topic.feed(lane, range(9))
    topic.save(writer, lane, 9)
    topic.feed(lane, [0])
    topic.save(writer, lane, 10)
    for key in [key for key in topic.records if key != MARK]:
        kept = topic.records.pop(key)
        with pytest.raises(StateError, match=r"has 3 of the 4 parts of the checkpoint of offset 10"):
            topic.load()
        topic.records[key] = kept
    assert topic.dump(topic.load()[0]) == topic.dump(lane)


def test_lane_with_an_older_part_is_refused() -> None:
    topic = Topic()
    lane, writer = topic.scorer.new_lane(), CheckpointWriter(topic.parts)
    topic.feed(lane, range(9))
    topic.save(writer, lane, 9)
    before = dict(topic.records)
    topic.feed(lane, [0])
    topic.save(writer, lane, 10)
    changed = [key for key in before if key != MARK and before[key] != topic.records[key]]
    assert len(changed) == 2  # the root and the group of the record
    for key in changed:
        newer = topic.records[key]
        topic.records[key] = before[key]
        with pytest.raises(StateError, match=r"has 4 of the 4 parts .* or older versions of them"):
            topic.load()
        topic.records[key] = newer


@pytest.mark.usefixtures("chunk_bytes")
@pytest.mark.parametrize("pipeline", [MANY, AGING], ids=["groups", "groups that are forgotten"])
def test_checkpoint_over_many_commits_counts_when_it_is_complete(pipeline: Any) -> None:
    """After each slice the topic gives the checkpoint before, then the new one: whichever slice was the last."""
    topic = Topic(pipeline)
    lane, writer = topic.scorer.new_lane(), CheckpointWriter(topic.parts)
    for offset in range(20, 200, 20):
        topic.feed(lane, range(offset - 20, offset))
        slices, before = 0, topic.dump(topic.load()[0]) if offset > 20 else None
        while slices == 0 or writer.is_open:
            topic.records |= writer.write(lane, limit_s=0)
            slices += 1
            if writer.is_open and before is not None:
                assert topic.dump(topic.load()[0]) == before
        topic.complete(writer, offset)
        assert slices > 2
        assert topic.dump(topic.load()[0]) == topic.dump(lane)


@pytest.mark.parametrize("slices", range(1, 6))
@pytest.mark.parametrize("pipeline", [MANY, AGING], ids=["groups", "groups that are forgotten"])
def test_checkpoint_that_was_left_after_some_slices_never_counts(pipeline: Any, slices: int) -> None:
    """Whoever continues from the one before writes other values; nothing of the one that was left comes back."""
    topic = Topic(pipeline)
    lane, writer = topic.scorer.new_lane(), CheckpointWriter(topic.parts)
    topic.feed(lane, range(20))
    topic.save(writer, lane, 20)
    topic.feed(lane, range(20, 60))
    for _ in range(slices):
        topic.records |= writer.write(lane, limit_s=0)
    assert writer.is_open
    lane, writer = topic.load()
    topic.feed(lane, [61, 62])
    topic.save(writer, lane, 22)
    assert topic.dump(topic.load()[0]) == topic.dump(lane)
    lane, writer = topic.load()
    topic.save(writer, lane, 22)
    assert sum(value is not None for value in topic.records.values()) == writer.manifest.parts + 1  # and the mark


def test_checkpoint_of_many_bytes_is_written_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SLICE_BYTES", 400)
    topic = Topic()
    lane, writer = topic.scorer.new_lane(), CheckpointWriter(topic.parts)
    topic.feed(lane, range(90))
    sizes = []
    while not sizes or writer.is_open:
        records = writer.write(lane)
        sizes.append(len(records))
        topic.records |= records
    topic.complete(writer, 90)
    assert max(sizes) <= 4
    assert topic.dump(topic.load()[0]) == topic.dump(lane)
