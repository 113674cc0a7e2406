"""The five steps of a commit, in their order, whatever fails."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from makiserve.errors import (
    AbortTransaction,
    BrokerUnavailable,
    ConfigurationError,
    Fenced,
    InternalError,
    MakiserveError,
    RetryCall,
    StateError,
)
from makiserve.scoring import Scorer
from makiserve.serving.commit import Committer
from makiserve.serving.partition import Partition
from makiserve.serving.retry import RetryPolicy
from makiserve.serving.signals import Stop
from makiserve.serving.state.checkpoint_writer import CheckpointWriter
from makiserve.serving.state.offset_metadata import OffsetMetadata, Position, StateIdentity, offset_metadata_from_text
from makiserve.serving.state.restorer import Restored
from makiserve.serving.state.segment_log import Manifest
from makiserve.stream.columns.engine_choice import parts_of
from tests.unit.serving.fakes import Consumer, Kafka, Producer, packaged

SCORER = Scorer(packaged().plan, is_tracked=True)
EXPECTED = StateIdentity("plan-1", "digest-1", 3, "in")

STEPS = {
    1: "produce group.state",
    2: "flush",
    3: "offsets {0: 4, 1: 2} generation",
    4: "commit",
}


def running_partition(number: int, scored: int, *, is_new: bool = False, origin: int = 0) -> Partition:
    partition = Partition("in", number)
    partition.restore()
    writer = CheckpointWriter(tuple(map(parts_of, SCORER.checkpoints)))
    partition.begin(Restored(Position(origin, origin, is_new=is_new), SCORER.new_lane(), writer), "models:/house/3")
    partition.advance(scored)
    return partition


def partitions() -> list[Partition]:
    return [running_partition(0, 4), running_partition(1, 2), running_partition(2, 0)]


def committer(kafka: Kafka) -> Committer:
    producer: Any = Producer(kafka)
    consumer: Any = Consumer(kafka)
    return Committer(producer, consumer, RetryPolicy(kafka.stop), "group.state", EXPECTED)


def run(kafka: Kafka, of: Iterable[Partition], *, is_saving: bool = False) -> bool:
    committing = committer(kafka)
    committing.producer.produce("out", 0, b"", b"", [], 0)
    kafka.calls.clear()
    return committing.commit(of, is_saving=is_saving)


def test_commit_without_state_leaves_no_checkpoint_due(kafka: Kafka) -> None:
    of = partitions()
    assert replace(committer(kafka), state_topic=None).commit(of, is_saving=True)
    assert not any(partition.is_due for partition in of)  # or the loop would commit again and again without a pause


def test_restore_leaves_no_checkpoint_due(kafka: Kafka) -> None:
    partition = running_partition(0, 4)
    partition.is_due = True
    partition.restore()
    assert not partition.is_due


def test_the_steps_follow_each_other(kafka: Kafka) -> None:
    of = partitions()
    assert run(kafka, of, is_saving=True)
    root_and_mark = [STEPS[1]] * 2
    assert kafka.calls == [*root_and_mark * 2, *list(STEPS.values())[1:]]
    assert [partition.position.checkpoint for partition in of] == [4, 2, None]
    assert [partition.position.committed for partition in of] == [4, 2, 0]
    assert not any(partition.has_uncommitted_work for partition in of)


def test_offset_metadata_has_start_and_pipeline_of_the_state(kafka: Kafka) -> None:
    partition = running_partition(1, 8, origin=3)
    run(kafka, [partition])
    offset, text = kafka.group[1]
    mark = OffsetMetadata(
        3, "plan-1", "digest-1", 3, "in", partition.writer.state_id, model_version="models:/house/3", since=3
    )
    assert (offset, offset_metadata_from_text(text)) == (8, mark)


def test_offset_and_checkpoint_have_the_same_metadata(kafka: Kafka) -> None:
    partition = running_partition(1, 8)
    run(kafka, [partition], is_saving=True)
    mark = offset_metadata_from_text(kafka.group[1][1])
    assert mark is not None
    assert mark.checkpoint == 8
    assert kafka.state[-1] == (1, b"metadata", kafka.group[1][1].encode())
    partition.advance(9)
    run(kafka, [partition])
    assert offset_metadata_from_text(kafka.group[1][1]) == mark


def test_checkpoint_is_written_if_due_or_urgent(kafka: Kafka) -> None:
    due, urgent = running_partition(0, 4), running_partition(1, 2)
    urgent.is_urgent = True
    run(kafka, [due, urgent])
    assert {number for number, _, _ in kafka.state} == {1}
    assert (due.position.checkpoint, urgent.position.checkpoint, urgent.is_urgent) == (None, 2, False)


def test_a_state_that_was_saved_is_not_saved_again(kafka: Kafka) -> None:
    partition = running_partition(0, 4)
    run(kafka, [partition], is_saving=True)
    assert not run_without_output(kafka, partition)


@pytest.fixture
def one_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is time for one part in each commit."""
    write = CheckpointWriter.write
    monkeypatch.setattr(CheckpointWriter, "write", lambda self, lane, offset, limit_s: write(self, lane, offset, 0))


@pytest.mark.usefixtures("one_part")
def test_commit_of_a_slice_keeps_the_checkpoint_before(kafka: Kafka) -> None:
    partition = running_partition(0, 4)
    run(kafka, [partition], is_saving=True)
    mark = offset_metadata_from_text(kafka.group[0][1])
    assert mark is not None
    assert (kafka.group[0][0], mark.checkpoint, mark.manifest) == (4, None, Manifest())
    assert (partition.must_wait, partition.is_due, partition.is_unsaved) == (True, True, True)
    assert run_without_output(kafka, partition)
    assert not partition.must_wait
    mark = offset_metadata_from_text(kafka.group[0][1])
    assert mark is not None
    assert (mark.checkpoint, mark.manifest.last) == (4, 1)


@pytest.mark.usefixtures("one_part")
def test_commit_of_a_slice_carries_the_offset_that_fences(kafka: Kafka) -> None:
    """A partition without news is committed again where it is, so that an owner of the past is found out."""
    partition = running_partition(0, 4)
    run(kafka, [partition])
    kafka.calls.clear()
    assert run_without_output(kafka, partition)
    assert "offsets {0: 4} generation" in kafka.calls


@pytest.mark.usefixtures("one_part")
def test_commit_of_new_urgent_partition_waits_for_its_checkpoint(kafka: Kafka) -> None:
    partition = running_partition(0, 0, is_new=True)
    partition.is_urgent = True
    run(kafka, [partition])
    assert kafka.group == {}
    run(kafka, [partition])
    assert kafka.group[0][0] == 0
    assert not partition.must_wait


@pytest.mark.usefixtures("one_part")
def test_commit_of_urgent_slices_keeps_the_committed_metadata(kafka: Kafka) -> None:
    """Another version scores from here on; before the checkpoint nothing may say so."""
    partition = running_partition(0, 4)
    run(kafka, [partition], is_saving=True)
    run(kafka, [partition])
    before = kafka.group[0]
    partition.rebuilder = SCORER
    partition.switch("models:/house/4")
    assert run_without_output(kafka, partition)
    assert kafka.group[0] == before
    assert run_without_output(kafka, partition)
    mark = offset_metadata_from_text(kafka.group[0][1])
    assert mark is not None
    assert (mark.model_version, mark.since, mark.checkpoint) == ("models:/house/4", 4, 4)


def run_without_output(kafka: Kafka, partition: Partition) -> bool:
    return committer(kafka).commit([partition], is_saving=True)


@pytest.mark.parametrize("step", [2, 3, 4])
def test_temporary_failure_repeats_the_step_and_nothing_else(kafka: Kafka, step: int) -> None:
    name = STEPS[step].partition(" ")[0]
    kafka.fails[name] = [RetryCall("no answer"), RetryCall("no answer")]
    assert run(kafka, partitions())
    before, after = list(STEPS.values())[1 : step - 1], list(STEPS.values())[step:]
    assert kafka.calls == [*before, *[STEPS[step]] * 3, *after]


@pytest.mark.parametrize("kind", [AbortTransaction, Fenced, BrokerUnavailable, ConfigurationError, InternalError])
@pytest.mark.parametrize("step", [2, 3, 4])
def test_any_other_error_ends_the_commit_and_no_partition_advances(
    kafka: Kafka, step: int, kind: type[MakiserveError]
) -> None:
    of = partitions()
    kafka.fails[STEPS[step].partition(" ")[0]] = [kind("it failed")]
    with pytest.raises(kind, match="it failed"):
        run(kafka, of)
    assert kafka.calls == list(STEPS.values())[1:step]
    assert [partition.position.committed for partition in of] == [0, 0, 0]
    assert kafka.visible == []


def test_commit_without_new_records_calls_nothing(kafka: Kafka) -> None:
    assert not committer(kafka).commit([running_partition(0, 0)], is_saving=True)
    assert kafka.calls == []


def test_a_start_that_was_never_committed_is_committed_once(kafka: Kafka) -> None:
    partition = running_partition(0, 0, is_new=True)
    assert run(kafka, [partition])
    assert kafka.group[0][0] == 0
    assert not partition.has_uncommitted_work


def test_a_broker_that_is_away_while_the_service_stops_is_not_waited_for(
    kafka: Kafka, stop: Stop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stop, "is_overdue", lambda: True)
    kafka.fails["flush"] = [RetryCall("no answer")] * 2
    with pytest.raises(BrokerUnavailable, match="does not answer"):
        run(kafka, partitions())
    assert kafka.calls == ["flush"]


def test_an_offset_without_a_text_is_another_programs() -> None:
    assert offset_metadata_from_text("") is None


@pytest.mark.parametrize("text", ["x", "{}", '{"origin": "a", "plan": "b"}'])
def test_text_that_is_not_offset_metadata_is_refused(text: str) -> None:
    with pytest.raises(StateError, match="not written by this version of makiserve"):
        offset_metadata_from_text(text)
