"""The offset and the state from which a partition begins."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from makiserve.errors import BrokerUnavailable, ConfigurationError, RetryCall, StateError
from makiserve.records import Schema
from makiserve.scoring import Batch, Scorer
from makiserve.serving import assignment as module
from makiserve.serving.assignment import Assignment
from makiserve.serving.partition import Partition, Phase
from makiserve.serving.scoring_processor import ScoringProcessor
from makiserve.serving.state import restorer
from makiserve.serving.state.contents import Contents
from makiserve.serving.state.offset_metadata import OffsetMetadata, StateIdentity
from makiserve.serving.state.restorer import Restorer
from makiserve.serving.state.segment_log import METADATA
from makiserve.serving.state.warmup_file import WarmupFile
from makiserve.settings import ServeSettings
from makiserve.stream import ops
from makiserve.stream.engine.trace import trace
from tests.unit.serving.fakes import Consumer, Kafka, Lookup, Step, packaged

PLAN = packaged().plan
TOPIC = "group.state"


def expected(**other: Any) -> StateIdentity:
    return StateIdentity(**{"plan": PLAN.fingerprint, "digest": "d1", "partitions": 2, "input": "in", **other})


class WaitingAssignment(Assignment):
    """An assignment whose partitions are waited for."""

    def __init__(
        self, kafka: Kafka, past: WarmupFile | None = None, expect: StateIdentity | None = None, **settings: Any
    ) -> None:
        consumer: Any = Consumer(kafka)
        lookup: Any = Lookup(kafka)
        serve = ServeSettings("in", "out", "dead", **settings)
        processor = ScoringProcessor(packaged(), serve)
        self.scorer = processor.scorer
        topic = TOPIC if expect is None or expect.plan else None
        super().__init__(
            consumer, Restorer(lookup, serve, processor, expect or expected(), topic, past), processor.model_version
        )

    def begin(self, number: int = 0) -> Partition:
        assert self.add([number]) == {number: None}
        return self.wait(number)

    def wait(self, number: int = 0) -> Partition:
        while self.is_restoring:
            self.take_restored()
        return self.partitions[number]


def committed(kafka: Kafka, offset: int, origin: int = 0, **mark: Any) -> None:
    fields = {"plan": PLAN.fingerprint, "digest": "d1", "partitions": 2, "input": "in", "state_id": "00000001"}
    if mark.get("checkpoint") is not None and (saved := contents(kafka).metadata):
        fields |= {"state_id": saved.state_id, "manifest": saved.manifest}
    kafka.group[0] = (offset, str(OffsetMetadata(origin, **fields | mark)))


def contents(kafka: Kafka) -> Contents:
    state = Contents()
    state.add((key, value) for number, key, value in kafka.state if number == 0)
    return state


def saved(kafka: Kafka, offset: int, **mark: Any) -> None:
    """A checkpoint of partition 0, and the offset that was committed with it."""
    assignment = WaitingAssignment(kafka)
    partition = assignment.begin()
    assignment.scorer.rebuild(Batch(partition.lane, [Step(float(value)) for value in range(1, offset + 1)]))
    kafka.state += [(0, key, value) for key, value in partition.writer.write(partition.lane, offset)]
    fields = {"state_id": partition.writer.state_id, "manifest": partition.writer.manifest, **mark}
    committed(kafka, offset, checkpoint=offset, **fields)
    kafka.state.append((0, METADATA, kafka.group[0][1].encode()))
    kafka.calls.clear()


def total(assignment: WaitingAssignment, partition: Partition) -> Any:
    """The running total that the next record, a zero, would see."""
    return assignment.scorer.features(Batch(partition.lane, [Step(0.0)])).features[0].total


@pytest.mark.parametrize(("start", "offset"), [("earliest", 1), ("latest", 5)])
def test_a_group_that_never_committed_begins_at_an_end_and_commits_it(kafka: Kafka, start: str, offset: int) -> None:
    kafka.low = 1
    assignment = WaitingAssignment(kafka, start=start)
    assert assignment.begin().has_uncommitted_work
    assert kafka.calls[-1] == f"seek 0 {offset}"


def test_partition_restores_checkpoint_and_reprocesses_the_rest(kafka: Kafka) -> None:
    saved(kafka, 3)
    committed(kafka, 4, checkpoint=3)
    assignment = WaitingAssignment(kafka)
    partition = assignment.begin()
    assert (partition.phase, partition.next_offset, partition.position.committed) == (Phase.RESTORING, 3, 4)
    assert kafka.calls[-1] == "seek 0 3"
    assert total(assignment, partition) == 6


def test_without_a_checkpoint_a_state_is_rebuilt_from_where_it_began(kafka: Kafka) -> None:
    committed(kafka, offset=4, origin=2)
    partition = WaitingAssignment(kafka).begin()
    assert (partition.phase, partition.next_offset, partition.position.committed) == (Phase.RESTORING, 2, 4)


def test_the_committed_offset_is_asked_for_before_anything_else(kafka: Kafka) -> None:
    WaitingAssignment(kafka).begin()
    assert kafka.calls[:3] == ["committed", "watermarks", f"contents {TOPIC}"]


def test_stateless_pipeline_continues_without_reading_state(kafka: Kafka) -> None:
    committed(kafka, offset=4, plan="another")
    partition = WaitingAssignment(kafka, expect=expected(plan=None)).begin()
    assert (partition.phase, partition.next_offset) == (Phase.RUNNING, 4)
    assert f"contents {TOPIC}" not in kafka.calls


def lose(kafka: Kafka, how: str) -> None:
    saved(kafka, 3)
    committed(kafka, 4, checkpoint=3)
    if how == "another program":
        kafka.group[0] = (4, "")
    elif how == "not written by this version of makiserve":
        kafka.group[0] = (4, "{}")
    elif how == "another pipeline":
        committed(kafka, 4, checkpoint=3, plan=trace(ops.count()).fingerprint)
    elif how == "other code":
        committed(kafka, 4, checkpoint=3, digest="d0")
    elif how == "had 1 partitions and now has 2":
        committed(kafka, 4, checkpoint=3, partitions=1)
    elif how == "has no checkpoint":
        kafka.state.clear()
    elif how == "has the checkpoint of offset 3 instead of the checkpoint of offset 2":
        committed(kafka, 4, checkpoint=2)
    elif how == "is damaged":
        kafka.state = [
            (number, key, value if key == b"metadata" else (value or b"")[:22] + b"x")
            for number, key, value in kafka.state
        ]
    elif how == "removed the records before 4":
        committed(kafka, 5, checkpoint=3)
        kafka.low = 4


@pytest.fixture(autouse=True)
def no_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restorer, "DOUBT_S", 0.0)


LOSSES = [
    "another program",
    "not written by this version of makiserve",
    "another pipeline",
    "other code",
    "had 1 partitions and now has 2",
    "has no checkpoint",
    "has the checkpoint of offset 3 instead of the checkpoint of offset 2",
    "is damaged",
    "removed the records before 4",
]


@pytest.mark.parametrize("how", LOSSES)
def test_lost_state_is_refused_with_reason_and_remedy(kafka: Kafka, how: str) -> None:
    lose(kafka, how)
    assignment = WaitingAssignment(kafka)
    with pytest.raises(StateError, match=rf"^in\[0\]: .*{how}.*--on-state-loss rebuild"):
        assignment.begin()
    assert assignment.partitions[0].phase is Phase.FAILED


@pytest.mark.parametrize("how", LOSSES)
def test_a_lost_state_is_rebuilt_from_the_oldest_record_on_request(
    kafka: Kafka, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    lose(kafka, how)
    assignment = WaitingAssignment(kafka, on_state_loss="rebuild")
    partition = assignment.begin()
    assert partition.next_offset == partition.position.origin == kafka.low
    assert total(assignment, partition) == 0
    assert how in caplog.text


@pytest.mark.parametrize("how", LOSSES)
def test_start_empty_replaces_lost_state_at_the_next_checkpoint(kafka: Kafka, how: str) -> None:
    lose(kafka, how)
    assignment = WaitingAssignment(kafka, on_state_loss="start-empty")
    partition = assignment.begin()
    assert partition.phase is Phase.RUNNING
    assert partition.next_offset == partition.position.committed
    before = {key for _, key, value in kafka.state if value is not None}
    written = {key for key, _ in partition.writer.write(partition.lane, partition.next_offset)}
    assert before <= written | {METADATA}


def test_records_removed_before_processing_are_an_error(kafka: Kafka) -> None:
    committed(kafka, 1, plan="another")
    kafka.low = 3
    with pytest.raises(StateError, match=r"in\[0\]: retention has removed records 1 to 2 before they were processed"):
        WaitingAssignment(kafka, expect=expected(plan=None)).begin()
    partition = WaitingAssignment(kafka, on_state_loss="start-empty").begin()
    assert (partition.next_offset, partition.position.is_new) == (3, True)


def test_a_rewind_restores_the_state_of_the_last_commit(kafka: Kafka) -> None:
    saved(kafka, 3)
    assignment = WaitingAssignment(kafka)
    partition = assignment.begin()
    lane = partition.lane
    partition.advance(5)
    assignment.rewind()
    assignment.wait()
    assert partition.lane is not lane
    assert (partition.phase, partition.next_offset) == (Phase.RUNNING, 3)
    assert total(assignment, partition) == 6


def test_a_start_at_the_end_that_was_not_committed_stays_where_it_was(kafka: Kafka) -> None:
    assignment = WaitingAssignment(kafka, start="latest")
    assignment.begin()
    kafka.input[0] += kafka.input[1]
    assignment.rewind()
    assert assignment.wait().next_offset == 5


def test_partition_dropped_during_its_restore_is_lost(kafka: Kafka) -> None:
    assignment = WaitingAssignment(kafka)
    assignment.add([0, 1])
    gone = assignment.partitions[0]
    assignment.drop([0], Phase.LOST)
    assignment.wait(1)
    assert gone.phase is Phase.LOST
    assert set(assignment.partitions) == {1}


def test_temporary_failure_is_retried_and_a_lasting_one_raised(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> None:
    kafka.fails["committed"] = [RetryCall("the previous owner's transaction is open")] * 3
    assert WaitingAssignment(kafka).begin().next_offset == 0
    kafka.fails["watermarks"] = [RetryCall("no answer")]
    monkeypatch.setattr(module, "RETRY_TIMEOUT", timedelta(seconds=-1))
    with pytest.raises(BrokerUnavailable, match=r"in\[1\] cannot be restored: no answer"):
        WaitingAssignment(kafka).begin(1)


def test_group_that_starts_at_latest_is_warmed_up(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1.003 + 60)  # the records have the milliseconds 1000 to 1004
    partition = WaitingAssignment(kafka, start="latest", warm_up="1min").begin()
    assert (partition.next_offset, partition.position.committed, partition.position.origin) == (3, 5, 3)


def test_warm_up_ends_at_the_last_record_before_markers(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1.003 + 60)
    kafka.markers = 2
    partition = WaitingAssignment(kafka, start="latest", warm_up="1min").begin()
    assert (partition.next_offset, partition.position.committed) == (3, 5)


def test_a_rebuilt_state_is_made_of_the_time_of_the_warm_up(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1.002 + 60)
    kafka.group[0] = (4, "")
    partition = WaitingAssignment(kafka, on_state_loss="rebuild", warm_up="1min").begin()
    assert (partition.next_offset, partition.position.committed) == (2, 4)


def test_a_rebuilt_state_ends_at_the_last_record_before_markers(kafka: Kafka) -> None:
    kafka.group[0], kafka.markers = (7, ""), 2
    partition = WaitingAssignment(kafka, on_state_loss="rebuild").begin()
    assert (partition.next_offset, partition.position.committed) == (0, 5)


def past(kafka: Kafka, pattern: Path) -> WarmupFile:
    return WarmupFile(str(pattern), len(kafka.input), Schema(Step), Scorer(PLAN, is_tracked=True))


def test_a_file_is_the_past_of_a_partition_and_is_saved_with_its_first_commit(kafka: Kafka, tmp_path: Path) -> None:
    for number in (0, 1):
        (tmp_path / f"past-{number}.csv").write_text(f"value\n{number + 1}\n20\n")
    assignment = WaitingAssignment(kafka, past(kafka, tmp_path / "past-{partition}.csv"))
    assert [total(assignment, assignment.begin(number)) for number in (0, 1)] == [21, 22]
    assert assignment.partitions[0].is_urgent
    assert assignment.partitions[0].next_offset == 0


def test_one_warm_up_file_for_all_partitions_needs_keyed_state(kafka: Kafka, tmp_path: Path) -> None:
    path = tmp_path / "past.csv"
    path.write_text("value\n1\n")
    with pytest.raises(ConfigurationError, match=r"give a file for each partition, with \{partition\} in the name"):
        past(kafka, path)
    keyed = Scorer(trace(ops.group_by(lambda step: step.value, [ops.count()])), is_tracked=True)
    assert WarmupFile(str(path), 2, Schema(Step), keyed).lane(1).states


def test_missing_warm_up_file_is_reported_at_start(kafka: Kafka, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"past-0.csv does not exist"):
        past(kafka, tmp_path / "past-{partition}.csv")


@pytest.mark.parametrize("policy", ["refuse", "rebuild", "start-empty"])
@pytest.mark.parametrize("is_committed", [True, False])
def test_state_of_another_input_is_refused_whatever_the_policy(
    kafka: Kafka, policy: str, *, is_committed: bool
) -> None:
    """Another service writes to the topic: to begin with another state would only overwrite its own."""
    saved(kafka, 3, input="other")
    if is_committed:
        committed(kafka, 4, checkpoint=3)
    else:
        kafka.group.clear()
    with pytest.raises(ConfigurationError, match=rf"{TOPIC}\[0\] has the state of other, .* reads in: .*--group"):
        WaitingAssignment(kafka, on_state_loss=policy).begin()


def test_offset_of_another_input_is_refused(kafka: Kafka) -> None:
    committed(kafka, 4, input="other")
    with pytest.raises(StateError, match=r"in\[0\]: its offset was committed for the input other"):
        WaitingAssignment(kafka).begin()


def test_state_topic_of_another_version_is_refused_and_replaced_on_request(kafka: Kafka) -> None:
    kafka.state = [(0, b"\x92\x00\xc4", b"part"), (0, METADATA, b'{"origin": 0, "plan": "p", "lineage": "aee0c166"}')]
    with pytest.raises(
        StateError, match=r"group.state\[0\]: the offset metadata .* was not written by this .* start-empty"
    ):
        WaitingAssignment(kafka).begin()
    partition = WaitingAssignment(kafka, on_state_loss="start-empty").begin()
    assert dict(partition.writer.write(partition.lane, partition.next_offset))[b"\x92\x00\xc4"] is None


def test_partition_with_a_missing_part_is_refused(kafka: Kafka) -> None:
    saved(kafka, 3)
    committed(kafka, 4, checkpoint=3)
    kafka.state = [record for record in kafka.state if record[1] == METADATA]
    with pytest.raises(StateError, match=r"has 0 of the 1 segments of the checkpoint of offset 3.*--on-state-loss"):
        WaitingAssignment(kafka).begin()
