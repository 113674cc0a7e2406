"""The life of a partition."""

from __future__ import annotations

import logging
import re
from dataclasses import replace

import pytest

from makiserve.errors import InternalError
from makiserve.scoring import Lane
from makiserve.serving import partition as module
from makiserve.serving.partition import TRANSITIONS, Partition, Phase
from makiserve.serving.state.checkpoint_writer import CheckpointWriter
from makiserve.serving.state.offset_metadata import Position
from makiserve.serving.state.restorer import Restored

PAIRS = [(before, after) for before in Phase for after in Phase]


def in_phase(phase: Phase) -> Partition:
    partition = Partition("in", 3)
    partition.phase = phase
    return partition


def restored(committed: int, origin: int = 0) -> Partition:
    partition = Partition("in", 3)
    partition.restore()
    partition.begin(Restored(Position(committed, origin), Lane([]), CheckpointWriter(())), "models:/house/3")
    return partition


def drawn() -> set[tuple[Phase, Phase]]:
    """The arrows of the diagram, in both directions."""
    there = re.findall(r"(?=\b([A-Z]+) ─+ \w+ ─+▶ ([A-Z]+))", module.__doc__ or "")
    back = re.findall(r"(?=\b([A-Z]+) ◀─+ \w+ ─+ ([A-Z]+))", module.__doc__ or "")
    return {(Phase[source], Phase[target]) for source, target in [*there, *((to, of) for of, to in back)]}


def test_documented_transitions_are_those_allowed() -> None:
    assert drawn() == {(before, after) for before, afters in TRANSITIONS.items() for after in afters}


@pytest.mark.parametrize(("before", "after"), PAIRS, ids=lambda phase: phase.value)
def test_partition_allows_only_the_documented_transitions(
    before: Phase, after: Phase, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    partition = in_phase(before)
    if (before, after) in drawn():
        partition.transition(after)
        assert partition.phase is after
        assert caplog.messages == [f"in[3]: {before.value} → {after.value} at offset 0"]
    else:
        with pytest.raises(InternalError, match=rf"in\[3\]: .* from {before.value} to {after.value}"):
            partition.transition(after)
        assert partition.phase is before


def test_restores_until_the_committed_offset() -> None:
    partition = restored(origin=2, committed=5)
    phases = []
    for offset in (4, 5):
        partition.advance(offset)
        phases.append(partition.phase)
    assert phases == [Phase.RESTORING, Phase.RUNNING]


def test_partition_without_state_to_restore_runs_at_once() -> None:
    assert restored(origin=5, committed=5).phase is Phase.RUNNING


def test_only_records_scored_since_the_commit_are_uncommitted() -> None:
    partition = restored(committed=5)
    partition.advance(4)
    assert not partition.has_uncommitted_work
    partition.advance(5)
    assert not partition.has_uncommitted_work
    partition.advance(6)
    assert partition.has_uncommitted_work


def test_start_of_a_new_partition_must_be_committed() -> None:
    partition = restored(committed=0)
    partition.position = replace(partition.position, is_new=True)
    assert partition.has_uncommitted_work


@pytest.mark.parametrize("phase", [Phase.REVOKED, Phase.LOST])
def test_revoked_partition_has_nothing_to_commit(phase: Phase) -> None:
    partition = restored(committed=0)
    partition.advance(6)
    partition.end(phase)
    assert not partition.has_uncommitted_work
    assert not partition.is_unsaved


def test_records_scored_since_the_checkpoint_are_unsaved() -> None:
    partition = restored(committed=0)
    assert not partition.is_unsaved
    partition.advance(6)
    assert partition.is_unsaved
    partition.commit(replace(partition.position, committed=6))
    assert partition.is_unsaved
    partition.commit(replace(partition.position, committed=6, checkpoint=6), is_saved=True)
    assert not partition.is_unsaved


def test_no_batch_is_scored_on_a_state_being_saved() -> None:
    partition = restored(committed=0)
    lane = partition.lane
    partition.restore()
    assert partition.lane is not lane


def test_lent_state_cannot_be_read_until_it_is_back() -> None:
    partition = restored(committed=0)
    lane = partition.lend()
    with pytest.raises(InternalError, match=r"in\[3\]: the state was read while records after 0 change it"):
        _ = partition.lane
    with pytest.raises(InternalError):
        partition.lend()
    partition.take_back(lane)
    assert partition.lane is lane


def test_lent_state_of_restored_partition_is_not_taken_back() -> None:
    partition = restored(committed=0)
    lane = partition.lend()
    partition.restore()
    partition.take_back(lane)
    assert not partition.has_lane(lane)
    assert partition.lane is not lane


def test_state_is_not_lent_before_an_urgent_checkpoint() -> None:
    partition = restored(committed=0)
    partition.is_urgent = True
    with pytest.raises(InternalError, match="before the checkpoint of offset 0"):
        partition.lend()
    partition.commit(replace(partition.position, checkpoint=0), is_saved=True)
    assert partition.lend()
