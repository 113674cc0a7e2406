"""A lane as segments in a compacted topic, and back."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

import makiserve.stream as rs
from makiserve.errors import StateError
from makiserve.scoring import Batch, Lane, Scorer
from makiserve.serving.state import checkpoint_writer as module
from makiserve.serving.state import segment_log
from makiserve.serving.state.checkpoint_writer import CheckpointWriter
from makiserve.serving.state.contents import Contents
from makiserve.serving.state.offset_metadata import OffsetMetadata
from makiserve.serving.state.seen import SeenRecords
from makiserve.serving.state.segment_log import METADATA, Manifest
from makiserve.stream.columns.engine_choice import parts_of
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
TOTALS = rs.ops.group_by(lambda step: int(step.value) % 11, [rs.ops.map(lambda step: step.value), rs.math.sum()])
WINDOWS = rs.ops.group_by(
    lambda step: int(step.value) % 11,
    rs.data.roll(5, 1, [rs.ops.map(lambda step: step.value), rs.math.stddev(reduce=True)]),
)


class Topic:
    """A partition of the state topic, compacted to the last record of each key."""

    def __init__(self, pipeline: Any = LISTS, *, is_spread: bool = False) -> None:
        self.scorer = Scorer(trace(pipeline), is_tracked=True)
        self.parts = tuple(map(parts_of, self.scorer.checkpoints))
        self.is_spread = is_spread
        self.records: dict[bytes, bytes | None] = {}

    def new(self, stale: Iterable[bytes] = ()) -> tuple[Lane, CheckpointWriter]:
        return self.scorer.new_lane(), CheckpointWriter(self.parts, is_spread=self.is_spread, stale=stale)

    def save(self, writer: CheckpointWriter, lane: Lane, offset: int) -> int:
        """Write a checkpoint; how many records it took."""
        records = writer.write(lane, offset)
        assert not writer.is_open
        self.commit(writer, records)
        return len(records)

    def commit(self, writer: CheckpointWriter, records: Iterable[tuple[bytes, bytes | None]]) -> None:
        """Make records visible, with the metadata of the writer."""
        self.records |= records
        self.metadata = OffsetMetadata(0, "p", "d", 1, "in", writer.state_id, writer.checkpoint, writer.manifest)
        self.records[METADATA] = str(self.metadata).encode()

    def load(self, mark: OffsetMetadata | None = None) -> tuple[Lane, CheckpointWriter]:
        contents = Contents()
        contents.add(self.records.items())
        lane, writer, _ = contents.saved(self.parts, mark or self.metadata, is_spread=self.is_spread)
        return lane, writer

    def restore(self, values: list[int]) -> tuple[Lane, CheckpointWriter]:
        """Load, and reprocess what came after the checkpoint; `values` are all values before the committed offset."""
        contents = Contents()
        contents.add(self.records.items())
        lane, writer, seen = contents.saved(self.parts, self.metadata, is_spread=True)
        offsets = range(self.metadata.checkpoint or 0, len(values))
        assert self.scorer.keys
        batch = Batch(lane, [Step(float(values[offset])) for offset in offsets])
        self.scorer.rebuild(SeenRecords(self.scorer.keys, seen).without(batch, offsets))
        return lane, writer

    def feed(self, lane: Lane, values: Iterable[int]) -> Sequence[Any]:
        return self.scorer.features(Batch(lane, [Step(float(value)) for value in values])).features

    def dump(self, lane: Lane) -> list[bytes]:
        return [
            checkpoints.dump(state) for checkpoints, state in zip(self.scorer.checkpoints, lane.states, strict=True)
        ]

    @property
    def size(self) -> int:
        return sum(len(value) for value in self.records.values() if value is not None)


@pytest.fixture(params=[900_000, 40], ids=["whole", "in chunks"])
def chunk_bytes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(segment_log, "CHUNK_BYTES", request.param)
    return int(request.param)


@pytest.fixture
def one_group_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("makiserve.stream.engine.parts.BLOCK", 1)
    monkeypatch.setattr("makiserve.stream.columns.checkpoint.BLOCK", 1)


@pytest.mark.usefixtures("chunk_bytes")
def test_last_of_many_checkpoints_is_restored() -> None:
    topic = Topic()
    lane, writer = topic.new()
    for offset in range(1, 60):
        topic.feed(lane, [offset * offset])
        topic.save(writer, lane, offset)
        if offset % 7 == 0:
            lane, writer = topic.load()
        assert topic.dump(topic.load()[0]) == topic.dump(lane)


@pytest.mark.parametrize("is_spread", [True, False])
def test_segments_do_not_outgrow_the_state(monkeypatch: pytest.MonkeyPatch, *, is_spread: bool) -> None:
    """When the changes are as large as the state, all groups are written again and the old segments removed."""
    monkeypatch.setattr(module, "SMALL_BYTES", 100)
    topic = Topic(MANY, is_spread=is_spread)
    lane, writer = topic.new()
    topic.feed(lane, range(11))
    topic.save(writer, lane, 11)
    sizes = []
    for offset in range(12, 80):
        topic.feed(lane, [offset])
        topic.save(writer, lane, offset)
        sizes.append(topic.size)
        lane, writer = topic.load()
    assert max(sizes) < 5 * sizes[0]
    right, _ = topic.new()
    topic.feed(right, [*range(11), *range(12, 80)])
    assert topic.feed(lane, range(11)) == topic.feed(right, range(11))


def test_a_new_state_removes_what_belongs_to_another_state() -> None:
    topic = Topic()
    lane, writer = topic.new()
    topic.feed(lane, range(9))
    for offset in range(9, 12):
        topic.feed(lane, [offset])
        topic.save(writer, lane, offset)
    fresh, writer = topic.new([key for key in topic.records if key != METADATA])
    topic.feed(fresh, [0])
    topic.save(writer, fresh, 10)
    assert topic.dump(topic.load()[0]) == topic.dump(fresh)
    assert sum(value is not None for value in topic.records.values()) == 2  # its segment and the mark


def test_segments_of_an_earlier_state_are_never_restored() -> None:
    topic = Topic()
    lane, writer = topic.new()
    for offset in range(9):
        topic.feed(lane, [offset])
        topic.save(writer, lane, offset)
    fresh, writer = topic.new()
    for offset in range(3):
        topic.feed(fresh, [0])
        topic.save(writer, fresh, offset)
        assert topic.dump(topic.load()[0]) == topic.dump(fresh)


def test_a_checkpoint_of_another_offset_is_refused() -> None:
    topic = Topic()
    lane, writer = topic.new()
    committed = OffsetMetadata(0, "p", "d", 1, "in", "00000001", 3, Manifest(1, 1, 1))
    with pytest.raises(StateError, match="has no checkpoint instead of the checkpoint of offset 3"):
        topic.load(committed)
    topic.save(writer, lane, 4)
    with pytest.raises(StateError, match="has the checkpoint of offset 4 instead of the checkpoint of offset 3"):
        topic.load(committed)
    topic.save(topic.new()[1], lane, 3)
    with pytest.raises(StateError, match=r"with other state .* instead of the checkpoint of offset 3"):
        topic.load(committed)


def test_a_missing_chunk_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment_log, "CHUNK_BYTES", 20)
    topic = Topic()
    lane, writer = topic.new()
    topic.feed(lane, range(30))
    topic.save(writer, lane, 30)
    chunk = next(key for key in topic.records if key.endswith(b"\x00\x01"))
    del topic.records[chunk]
    with pytest.raises(StateError, match="it has 0 of the 1 segments"):
        topic.load()


def test_lane_with_a_missing_segment_is_refused() -> None:
    """As retention leaves it, that removes the records of quiet keys."""
    topic = Topic()
    lane, writer = topic.new()
    for offset in range(9):
        topic.feed(lane, [offset])
        topic.save(writer, lane, offset)
    for key in [key for key in topic.records if key != METADATA]:
        kept = topic.records.pop(key)
        with pytest.raises(StateError, match=r"has 8 of the 9 segments of the checkpoint of offset 8.*removed records"):
            topic.load()
        topic.records[key] = kept
    assert topic.dump(topic.load()[0]) == topic.dump(lane)


def test_lane_with_a_replaced_segment_is_refused() -> None:
    """As a broker that lags gives it: a segment of a checkpoint that was never completed had the same number."""
    topic = Topic()
    lane, writer = topic.new()
    topic.feed(lane, range(9))
    topic.save(writer, lane, 9)
    other, another = topic.load()
    topic.feed(other, [1])
    left = another.write(other, 10)
    topic.feed(lane, [0])
    topic.save(writer, lane, 10)
    topic.records |= left
    with pytest.raises(StateError, match=r"has 2 of the 2 segments .* or others in their place"):
        topic.load()


@pytest.mark.usefixtures("chunk_bytes", "one_group_a_block")
@pytest.mark.parametrize("pipeline", [MANY, AGING], ids=["groups", "groups that are forgotten"])
def test_checkpoint_over_many_commits_counts_when_it_is_complete(pipeline: Any) -> None:
    """After each slice the topic gives the checkpoint before, then the new one: whichever slice was the last."""
    topic = Topic(pipeline)
    lane, writer = topic.new()
    for offset in range(20, 200, 20):
        topic.feed(lane, range(offset - 20, offset))
        slices, before = 0, topic.dump(topic.load()[0]) if offset > 20 else None
        while slices == 0 or writer.is_open:
            records = writer.write(lane, offset, limit_s=0)
            slices += 1
            if writer.is_open:
                topic.records |= records
            if writer.is_open and before is not None:
                assert topic.dump(topic.load()[0]) == before
        topic.commit(writer, records)
        assert slices > 2
        assert topic.dump(topic.load()[0]) == topic.dump(lane)


@pytest.mark.usefixtures("one_group_a_block")
@pytest.mark.parametrize("slices", range(1, 6))
@pytest.mark.parametrize("pipeline", [MANY, AGING], ids=["groups", "groups that are forgotten"])
def test_checkpoint_that_was_left_after_some_slices_never_counts(pipeline: Any, slices: int) -> None:
    """Whoever continues from the one before writes other values; nothing of the one that was left comes back."""
    topic = Topic(pipeline)
    lane, writer = topic.new()
    topic.feed(lane, range(20))
    topic.save(writer, lane, 20)
    topic.feed(lane, range(20, 60))
    for _ in range(slices):
        topic.records |= writer.write(lane, 60, limit_s=0)
    assert writer.is_open
    lane, writer = topic.load()
    topic.feed(lane, [61, 62])
    topic.save(writer, lane, 22)
    assert topic.dump(topic.load()[0]) == topic.dump(lane)
    lane, writer = topic.load()
    topic.save(writer, lane, 22)
    left = sum(value is not None for value in topic.records.values())
    assert left == writer.manifest.last - writer.manifest.first + 2  # and the mark


def test_checkpoint_of_many_bytes_is_written_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SLICE_BYTES", 400)
    monkeypatch.setattr("makiserve.stream.engine.parts.BLOCK", 1)
    topic = Topic()
    lane, writer = topic.new()
    topic.feed(lane, range(90))
    slices = 0
    while slices == 0 or writer.is_open:
        records = writer.write(lane, 90)
        topic.commit(writer, records)
        slices += 1
    assert slices >= 3
    assert topic.dump(topic.load()[0]) == topic.dump(lane)


def rounds(topic: Topic, seed: int) -> Iterator[tuple[CheckpointWriter, list[int]]]:
    """Records and slices in turns, and a crash now and then; yield after each commit."""
    draw = random.Random(seed)
    lane, writer = topic.new()
    values: list[int] = []
    for _ in range(60):
        come = [draw.randrange(40) for _ in range(draw.randrange(8))]
        topic.feed(lane, come)
        values += come
        topic.commit(writer, writer.write(lane, len(values), limit_s=0))
        yield writer, values
        if draw.random() < 0.1:
            lane, writer = topic.restore(values)


@pytest.mark.slow
@pytest.mark.usefixtures("one_group_a_block")
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("pipeline", [MANY, TOTALS, WINDOWS, LISTS], ids=["counts", "totals", "windows", "lists"])
def test_spread_checkpoint_gives_the_state_after_each_slice(
    pipeline: Any, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While records change the groups: after any commit the topic and the records since give the lane as it is."""
    monkeypatch.setattr(module, "SMALL_BYTES", 300)
    topic, wholes = Topic(pipeline, is_spread=True), set()
    for writer, values in rounds(topic, seed):
        restored, _ = topic.restore(values)
        right, _ = topic.new()
        topic.feed(right, values)
        probes = list(range(40)) * 5
        assert topic.feed(restored, probes) == topic.feed(right, probes)
        wholes.add(writer.manifest.whole)
    assert len(wholes) > 1  # the segments were replaced meanwhile


@pytest.mark.usefixtures("one_group_a_block")
def test_spread_checkpoint_without_its_skipped_records_would_be_wrong() -> None:
    """A group that was saved after the round began has seen records that a restore reads again."""
    topic = Topic(MANY, is_spread=True)
    for _, values in rounds(topic, 1):
        again, _ = topic.load()
        topic.feed(again, values[topic.metadata.checkpoint or 0 :])
        right = topic.new()[0]
        topic.feed(right, values)
        if topic.feed(again, range(11)) != topic.feed(right, range(11)):
            return
    pytest.fail("no round had records that a group had seen")
