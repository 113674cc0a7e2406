"""Where a partition begins, and what becomes of its state."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import pytest

from makiserve.errors import BrokerUnavailable, RetryCall, StateError
from makiserve.scoring import Scorer
from makiserve.serving.assignment import Assignment
from makiserve.serving.commit import Mark
from makiserve.serving.partition import Phase
from makiserve.serving.patience import Patience
from makiserve.serving.signals import Stop
from makiserve.stream import ops
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.trace import trace
from tests.unit.serving.fakes import Consumer, Kafka, packaged

PLAN: Plan = packaged().plan


def assignment(kafka: Kafka, plan: Plan = PLAN, start: Literal["earliest", "latest"] = "earliest") -> Assignment:
    consumer: Any = Consumer(kafka)
    return Assignment(consumer, Scorer(plan), start, Patience(kafka.stop))


def committed(kafka: Kafka, offset: int, origin: int, plan: Plan = PLAN) -> None:
    kafka.group[0] = (offset, msgspec.json.encode(Mark(origin, plan.fingerprint)).decode())


def test_a_group_that_never_committed_begins_at_an_end_and_commits_it(kafka: Kafka) -> None:
    kafka.low = 1
    for start, offset in (("earliest", 1), ("latest", 5)):
        own = assignment(kafka, start=start)  # type: ignore[arg-type]
        assert own.add([0]) == {0: offset}
        assert own.partitions[0].has_news


def test_a_state_is_rebuilt_from_where_it_began(kafka: Kafka) -> None:
    committed(kafka, offset=4, origin=2)
    own = assignment(kafka)
    assert own.add([0]) == {0: 2}
    assert (own.partitions[0].phase, own.partitions[0].committed) == (Phase.RESTORING, 4)
    assert not own.partitions[0].has_news


def test_the_committed_offset_is_asked_for_before_anything_else(kafka: Kafka) -> None:
    assignment(kafka).add([0])
    assert kafka.calls == ["committed", "watermarks"]


def test_a_pipeline_without_state_goes_on_where_it_stopped(kafka: Kafka) -> None:
    plan = trace(ops.map(abs))
    committed(kafka, offset=4, origin=0, plan=plan)
    assert assignment(kafka, plan).add([0]) == {0: 4}


def test_an_offset_of_another_program_is_a_start_with_an_empty_state(
    kafka: Kafka, caplog: pytest.LogCaptureFixture
) -> None:
    kafka.group[0] = (3, "")
    own = assignment(kafka)
    assert own.add([0]) == {0: 3}
    assert own.partitions[0].phase is Phase.RUNNING
    assert "offset 3 was committed by another program" in caplog.text


def test_the_state_of_another_pipeline_is_rebuilt_from_the_same_records(
    kafka: Kafka, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    committed(kafka, offset=4, origin=1, plan=trace(ops.count()))
    assert assignment(kafka).add([0]) == {0: 1}
    assert "the pipeline has changed" in caplog.text


def test_a_state_whose_records_are_gone_is_refused(kafka: Kafka) -> None:
    committed(kafka, offset=4, origin=1)
    kafka.low = 2
    with pytest.raises(StateError, match=r"in\[0\]: .* since offset 1, .* before 2"):
        assignment(kafka).add([0])


def test_a_passing_trouble_is_waited_for_and_a_lasting_one_is_an_error(
    kafka: Kafka, stop: Stop, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka.fails["committed"] = [RetryCall("the previous owner's transaction is open")] * 3
    assert assignment(kafka).add([0]) == {0: 0}
    monkeypatch.setattr(stop, "is_overdue", lambda: True)
    kafka.fails["watermarks"] = [RetryCall("no answer")]
    with pytest.raises(BrokerUnavailable):
        assignment(kafka).add([1])


def test_a_rewind_restores_every_partition_with_an_empty_state_from_where_it_began(kafka: Kafka) -> None:
    committed(kafka, offset=4, origin=2)
    own = assignment(kafka)
    own.add([0, 1])
    own.partitions[0].advance(5)
    lane = own.partitions[0].lane
    own.rewind()
    assert kafka.calls[-2:] == ["move 0 2", "move 1 0"]
    assert own.partitions[0].lane is not lane
    assert (own.partitions[0].phase, own.partitions[0].next_offset) == (Phase.RESTORING, 2)


def test_what_is_dropped_is_forgotten(kafka: Kafka) -> None:
    own = assignment(kafka)
    own.add([0, 1])
    gone = own.partitions[0]
    own.drop([0], Phase.LOST)
    assert gone.phase is Phase.LOST
    assert set(own.partitions) == {1}
