"""The five steps of a commit, in their order, whatever fails."""

from __future__ import annotations

from collections.abc import Iterable
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
from makiserve.scoring import Lane
from makiserve.serving.commit import Mark, commit, mark_from_text
from makiserve.serving.partition import Partition
from makiserve.serving.patience import Patience
from makiserve.serving.signals import Stop
from tests.unit.serving.fakes import Consumer, Kafka, Producer

STEPS = {
    2: "flush",
    3: "offsets {0: 4, 1: 2} generation",
    4: "commit",
}


def partition(number: int, scored: int, *, is_new: bool = False) -> Partition:
    each = Partition("in", number)
    each.restore(Lane([]), 0, 0)
    each.advance(scored)
    each.is_new = is_new
    return each


def partitions() -> list[Partition]:
    return [partition(0, 4), partition(1, 2), partition(2, 0)]


def run(kafka: Kafka, of: Iterable[Partition]) -> bool:
    producer: Any = Producer(kafka)
    producer.produce("out", 0, b"", b"", [], 0)
    kafka.calls.clear()
    consumer: Any = Consumer(kafka)
    return commit(producer, consumer, of, "plan-1", Patience(kafka.stop))


def test_the_steps_follow_each_other(kafka: Kafka) -> None:
    of = partitions()
    assert run(kafka, of)
    assert kafka.calls == list(STEPS.values())
    assert [each.committed for each in of] == [4, 2, 0]
    assert not any(each.has_news for each in of)


def test_a_mark_tells_where_the_state_began_and_of_which_pipeline_it_is(kafka: Kafka) -> None:
    each = Partition("in", 1)
    each.restore(Lane([]), 3, 3)
    each.advance(8)
    run(kafka, [each])
    offset, text = kafka.group[1]
    assert (offset, mark_from_text(text)) == (8, Mark(origin=3, plan="plan-1"))


@pytest.mark.parametrize("step", STEPS)
def test_a_passing_trouble_repeats_the_step_with_the_same_arguments_and_nothing_else(kafka: Kafka, step: int) -> None:
    name = STEPS[step].partition(" ")[0]
    kafka.fails[name] = [RetryCall("no answer"), RetryCall("no answer")]
    assert run(kafka, partitions())
    before, after = list(STEPS.values())[: step - 2], list(STEPS.values())[step - 1 :]
    assert kafka.calls == [*before, *[STEPS[step]] * 3, *after]


@pytest.mark.parametrize("kind", [AbortTransaction, Fenced, BrokerUnavailable, ConfigurationError, InternalError])
@pytest.mark.parametrize("step", STEPS)
def test_any_other_error_ends_the_commit_and_no_partition_advances(
    kafka: Kafka, step: int, kind: type[MakiserveError]
) -> None:
    of = partitions()
    kafka.fails[STEPS[step].partition(" ")[0]] = [kind("it failed")]
    with pytest.raises(kind, match="it failed"):
        run(kafka, of)
    assert kafka.calls == list(STEPS.values())[: step - 1]
    assert [each.committed for each in of] == [0, 0, 0]
    assert kafka.visible == []


def test_where_nothing_is_new_nothing_is_called(kafka: Kafka) -> None:
    producer: Any = Producer(kafka)
    consumer: Any = Consumer(kafka)
    assert not commit(producer, consumer, [partition(0, 0)], "plan-1", Patience(kafka.stop))
    assert kafka.calls == []


def test_a_start_that_was_never_committed_is_committed_once(kafka: Kafka) -> None:
    each = partition(0, 0, is_new=True)
    assert run(kafka, [each])
    assert kafka.group[0][0] == 0
    assert not each.has_news


def test_a_broker_that_is_away_while_the_service_stops_is_not_waited_for(
    kafka: Kafka, stop: Stop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stop, "is_overdue", lambda: True)
    kafka.fails["flush"] = [RetryCall("no answer")] * 2
    with pytest.raises(BrokerUnavailable, match="does not answer"):
        run(kafka, partitions())
    assert kafka.calls == ["flush"]


def test_an_offset_without_a_text_is_another_programs() -> None:
    assert mark_from_text("") is None


@pytest.mark.parametrize("text", ["x", "{}", '{"origin": "a", "plan": "b"}'])
def test_a_text_that_is_no_mark_is_refused(text: str) -> None:
    with pytest.raises(StateError, match="choose another --group"):
        mark_from_text(text)
