"""Checkpoints of the worker on a Kafka in memory: never of a lane that is being scored, always exact after a crash."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from makiserve.errors import RetryCall
from makiserve.serving import assemble as module
from makiserve.serving import background, schedule
from makiserve.serving.scoring_processor import ScoringProcessor
from makiserve.serving.signals import Stop
from makiserve.serving.state import checkpoint_writer as state_checkpoint
from makiserve.serving.state.checkpoint_writer import CheckpointWriter
from makiserve.serving.topics import Partitions
from makiserve.serving.worker import Worker
from makiserve.settings import BrokerSettings, ServeSettings
from makiserve.stream import ops
from makiserve.stream.engine.trace import trace
from tests.unit.serving.fakes import Consumer, Features, Kafka, Limits, Lookup, Producer, message, packaged

NEVER = timedelta(minutes=1)
Make = Callable[..., Worker]


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def kafka(stop: Stop) -> Kafka:
    return Kafka(stop, [1, 2, 3, 4, 5])


@pytest.fixture
def make(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> Make:
    """`make(warm_up="past.csv")`: a worker that is given the partition at its first turn."""
    monkeypatch.setattr(background, "SLOW_S", 0.01)
    monkeypatch.setattr(module, "TransactionalProducer", lambda connection, batch_bytes: Producer(kafka))
    monkeypatch.setattr(module, "Limits", lambda connection, topics: Limits())
    monkeypatch.setattr(module, "InputConsumer", lambda connection, topic: Consumer(kafka))
    monkeypatch.setattr(module, "OffsetsClient", lambda connection, topic: Lookup(kafka))

    def build(**options: Any) -> Worker:
        kafka.stop.__init__()  # type: ignore[misc]
        model = packaged(options.pop("plan", None))
        settings = ServeSettings("in", "out", "dead", **{"max_batch": 2, "commit_interval": NEVER, **options})
        worker = module.assemble(
            ScoringProcessor(model, settings),
            BrokerSettings("broker:9092", "group"),
            settings,
            Partitions(1, 1),
            kafka.stop,
        )
        kafka.turns.insert(0, lambda: consumer(worker).come(0))
        return worker

    return build


@pytest.fixture
def past(tmp_path: Path) -> str:
    """A file with one record of 100, the past of the partition."""
    path = tmp_path / "past.csv"
    path.write_text("value\n100\n")
    return str(path)


def scorer_of(worker: Worker) -> Any:
    assert isinstance(worker.processor, ScoringProcessor)
    return worker.processor.scorer


def consumer(worker: Worker) -> Any:
    return worker.consumer


def slow_batch(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, kafka: Kafka, number: int, meanwhile: Callable[[], object]
) -> None:
    """Let `meanwhile` happen while batch `number` is scored, after its records have changed the lane's state."""
    score, calls, called = scorer_of(worker).score_timed, 0, threading.Event()

    def both() -> None:
        meanwhile()
        called.set()

    def slowly(batches: Any) -> Any:
        nonlocal calls
        calls += 1
        scored = score(batches)
        if calls == number:
            kafka.turns.insert(0, both)
            assert called.wait(10)
        return scored

    monkeypatch.setattr(scorer_of(worker), "score_timed", slowly)


def kill(worker: Worker) -> Callable[[], None]:
    """A death: neither a commit nor an abort follows."""

    def now() -> None:
        raise Killed

    return now


def test_checkpoint_during_slow_batch_after_warm_up_is_exact(
    kafka: Kafka, make: Make, past: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make(warm_up=past)
    slow_batch(first, monkeypatch, kafka, 2, kill(first))
    with pytest.raises(Killed):
        first.run()
    make(warm_up=past).run()
    assert kafka.predictions(0) == [101, 103, 106, 110, 115]


def test_revoke_during_slow_batch_saves_no_lane_that_is_scored(
    kafka: Kafka, make: Make, past: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make(warm_up=past)

    def revoke() -> None:
        consumer(first).go(consumer(first).on_revoke, 0)
        kafka.stop.request()

    slow_batch(first, monkeypatch, kafka, 2, revoke)
    first.run()
    make(warm_up=past).run()
    assert kafka.predictions(0) == [101, 103, 106, 110, 115]


def test_offset_of_warmed_up_partition_is_committed_with_its_checkpoint(kafka: Kafka, make: Make, past: str) -> None:
    make(warm_up=past, start="latest").run()
    assert kafka.group[0][0] == 5
    assert b"metadata" in {key for _, key, _ in kafka.state}
    make(warm_up=past).run()
    assert kafka.predictions(0) == []


def test_failing_keep_alive_during_slow_batch_loses_no_record(
    kafka: Kafka, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = make()
    slow_batch(worker, monkeypatch, kafka, 2, lambda: None)
    kafka.fails["keep_alive"] = [RetryCall("no answer")]
    worker.run()
    assert kafka.predictions(0) == [1, 3, 6, 10, 15]


COUNTS = ops.group_by(lambda step: step.value, [ops.count(), ops.map(lambda count: Features(count))])
AGING = ops.group_by(
    lambda step: step.value,
    [ops.count(), ops.map(lambda count: Features(count))],
    ttl=timedelta(days=1),
    time_mapper=lambda step: int(step.value),
)
"""The same, but the groups depend on each other."""


@pytest.mark.slow
@pytest.mark.parametrize("plan", [COUNTS, AGING], ids=["spread", "whole"])
@pytest.mark.parametrize("has_past", [True, False], ids=["warmed up", "empty"])
@pytest.mark.parametrize("calls", range(1, 40))
def test_kill_at_any_commit_of_sliced_checkpoints_is_exact(
    kafka: Kafka, make: Make, past: str, monkeypatch: pytest.MonkeyPatch, calls: int, plan: Any, *, has_past: bool
) -> None:
    """Each commit has time for one group: lives end at a commit, and what is visible is what one run gives."""
    monkeypatch.setattr("makiserve.stream.engine.parts.BLOCK", 1)
    monkeypatch.setattr("makiserve.stream.columns.checkpoint.BLOCK", 1)
    monkeypatch.setattr(state_checkpoint, "SMALL_BYTES", 200)
    write = CheckpointWriter.write
    monkeypatch.setattr(CheckpointWriter, "write", lambda self, lane, offset, limit_s: write(self, lane, offset, 0))
    monkeypatch.setattr(schedule, "CHECKPOINT_S", 0.0)
    monkeypatch.setattr(schedule, "CHECKPOINT_SHARE", 0)
    values = [1, 2, 3, 1, 2, 4, 5, 1, 6, 2]
    kafka.input[0] = [message(0, offset, b'{"value": %d}' % value) for offset, value in enumerate(values)]
    options = {"plan": trace(plan), "warm_up": past if has_past else None, "commit_interval": timedelta(0)}
    monkeypatch.setattr(Producer, "commit", dying(Producer.commit, calls))
    for _ in range(3):  # one of them is killed, and another one is not
        with suppress(Killed):
            make(**options).run()
    assert kafka.predictions(0) == [values[: number + 1].count(value) for number, value in enumerate(values)]


def dying(commit: Callable[..., None], calls: int) -> Callable[..., None]:
    """A commit that kills the process when it has been called so often: before it, or after it."""
    left = calls

    def commit_or_die(self: Producer, timeout: timedelta) -> None:
        nonlocal left
        left -= 1
        if left == 0 and calls % 2:
            raise Killed
        commit(self, timeout)
        if left == 0:
            raise Killed

    return commit_or_die
