"""The worker on a Kafka in memory: what is visible at the end, whatever fails on the way."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from makiserve.errors import (
    AbortTransaction,
    BrokerUnavailable,
    ConfigurationError,
    Fenced,
    InternalError,
    RetryCall,
    StateError,
    StoppedOnError,
)
from makiserve.kafka import Message, MessageDecoder
from makiserve.records import Schema
from makiserve.records.registry import Decoded
from makiserve.serving import assemble as module
from makiserve.serving import background, schedule, signals, transactions
from makiserve.serving import worker as loop
from makiserve.serving.scoring_processor import ScoringProcessor
from makiserve.serving.topics import Partitions
from makiserve.serving.transactions import MAX_PAUSE_S
from makiserve.serving.worker import Worker
from makiserve.settings import BrokerSettings, ServeSettings
from tests.unit.serving.fakes import Consumer, Kafka, Limits, Lookup, Producer, Step, message, packaged

TOTALS = {0: [1, 3, 6, 10, 15], 1: [10, 30, 60, 100, 150]}
ALWAYS, NEVER = timedelta(0), timedelta(minutes=1)
Make = Callable[..., Worker]


@pytest.fixture
def make(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> Make:
    """`make(max_batch=2)`: a worker that is given both partitions at its first turn."""
    monkeypatch.setattr(module, "TransactionalProducer", lambda connection, batch_bytes: Producer(kafka))
    monkeypatch.setattr(module, "Limits", lambda connection, topics: Limits())
    monkeypatch.setattr(module, "InputConsumer", lambda connection, topic: Consumer(kafka))
    monkeypatch.setattr(module, "OffsetsClient", lambda connection, topic: Lookup(kafka))

    def build(**options: Any) -> Worker:
        settings = ServeSettings("in", "out", "dead", **{"max_batch": 2, **options})
        worker = module.assemble(
            ScoringProcessor(packaged(), settings),
            BrokerSettings("broker:9092", "group"),
            settings,
            Partitions(2, 2),
            kafka.stop,
        )
        kafka.turns.insert(0, lambda: consumer(worker).come(0, 1))
        return worker

    return build


def consumer(worker: Worker) -> Any:
    return worker.consumer


def scorer_of(worker: Worker) -> Any:
    assert isinstance(worker.processor, ScoringProcessor)
    return worker.processor.scorer


def nothing() -> None:
    pass


def assert_exact(kafka: Kafka) -> None:
    assert {number: kafka.predictions(number) for number in TOTALS} == TOTALS
    assert {number: offset for number, (offset, _) in kafka.group.items()} == {0: 5, 1: 5}


class SlowRegistry(MessageDecoder):
    """Learns the schema of the messages of a partition, from an offset on, when it has been asked a few times."""

    def __init__(self, partition: int, offset: int, asked: int = 3) -> None:
        super().__init__(Schema(Step))
        self.place, self.asked, self.is_closed = (partition, offset), asked, False
        self.close = lambda: setattr(self, "is_closed", True)

    def is_known(self, awaited: bytes) -> bool:
        self.asked -= 1
        return self.asked <= 0

    def decode(self, messages: Sequence[Message]) -> Decoded:
        number, offset = self.place
        is_waiting = self.asked > 0 and messages[0].partition() == number
        known = [record for record in messages if record.offset() < offset] if is_waiting else messages
        return Decoded(super().decode(known).records, b"7" if len(known) < len(messages) else b"")


@pytest.mark.parametrize("offset", range(5))
def test_records_wait_for_their_schema_while_other_partitions_continue(
    kafka: Kafka, make: Make, monkeypatch: pytest.MonkeyPatch, offset: int
) -> None:
    decoder = SlowRegistry(0, offset)
    monkeypatch.setattr(module, "background_decoder", lambda schema, broker, key_of: decoder)
    make().run()
    assert_exact(kafka)
    assert f"seek 0 {offset}" in kafka.calls
    assert decoder.is_closed


def test_a_rewind_forgets_which_schema_was_waited_for(
    kafka: Kafka, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoder = SlowRegistry(0, 3, asked=5)
    monkeypatch.setattr(module, "background_decoder", lambda schema, broker, key_of: decoder)
    kafka.fails["commit"] = [AbortTransaction("no luck")]
    make(commit_interval=ALWAYS).run()
    assert_exact(kafka)


def test_every_record_ends_in_its_output_and_the_service_drained(
    kafka: Kafka, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    make(commit_interval=NEVER).run()  # a slow machine must not commit twice
    assert_exact(kafka)
    assert kafka.calls[-1] == "close"
    assert caplog.messages[-2:] == [
        "10 records, 10 outputs, 0 dead letters, 1 commits, 0 aborts since the start",
        "drained: all scored records are committed",
    ]


def test_transactions_start_before_the_group_is_joined(kafka: Kafka, make: Make) -> None:
    make().run()
    assert kafka.calls[:2] == ["init", "receive"]


def test_records_that_cannot_be_scored_change_no_state(kafka: Kafka, make: Make) -> None:
    kafka.input[0] = [message(0, offset, b'{"value": %d}' % value) for offset, value in enumerate([1, 7, 12, 2])]
    make().run()
    assert kafka.predictions(0) == [1, 15]
    reasons = [output.headers["makiserve.reason"] for output in kafka.visible if output.topic == "dead"]
    assert reasons == [b"operator", b"predict"]
    assert kafka.group[0][0] == 4


def test_bad_record_stops_the_service_with_on_error_stop(kafka: Kafka, make: Make) -> None:
    kafka.input[0] = [message(0, offset, b'{"value": %d}' % value) for offset, value in enumerate([1, 7, 2])]
    with pytest.raises(StoppedOnError, match=r"^in\[0\]@1: operator: .*--on-error dead-letter"):
        make(on_error="stop", commit_interval=ALWAYS, max_batch=1).run()
    assert not [output for output in kafka.visible if output.topic == "dead"]
    assert kafka.group[0][0] == len(kafka.predictions(0)) <= 1


@pytest.mark.parametrize("call", ["produce", "poll", "flush", "offsets", "commit"])
def test_aborted_transaction_is_repeated_and_changes_nothing(kafka: Kafka, make: Make, call: str) -> None:
    kafka.fails[call] = [AbortTransaction("it failed")] * 3
    make(commit_interval=ALWAYS).run()
    assert_exact(kafka)
    assert kafka.calls.count("abort") == 3


@pytest.mark.parametrize("call", ["receive", "committed", "watermarks", "flush", "offsets", "commit", "abort"])
def test_temporary_failure_changes_nothing(kafka: Kafka, make: Make, call: str) -> None:
    kafka.fails[call] = [RetryCall("no answer")] * 2
    kafka.fails.setdefault("flush", [AbortTransaction("it failed")])  # for an abort to have trouble with
    make(commit_interval=ALWAYS).run()
    assert_exact(kafka)


def test_pause_grows_with_each_abort_up_to_a_limit(kafka: Kafka, make: Make, pauses: list[float]) -> None:
    worker = make()
    for _ in range(2000):
        worker.transactions.abort_and_rewind(AbortTransaction("it failed"))
    assert pauses[:7] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, MAX_PAUSE_S]
    assert set(pauses[7:]) == {MAX_PAUSE_S}


def test_committed_records_are_reprocessed_without_output(kafka: Kafka, make: Make) -> None:
    make().run()
    kafka.visible.clear()
    kafka.stop.__init__()  # type: ignore[misc]
    kafka.input[0].append(message(0, 5, b'{"value": 6}'))
    make().run()
    assert kafka.predictions(0) == [21]
    assert kafka.predictions(1) == []


def test_revoked_partition_is_committed_first(kafka: Kafka, make: Make) -> None:
    worker = make()
    kafka.turns = [*kafka.turns, nothing, lambda: consumer(worker).go(consumer(worker).on_revoke, 1)]
    worker.run()
    assert kafka.predictions(1) == TOTALS[1][:2]
    assert kafka.group[1][0] == 2
    assert kafka.predictions(0) == TOTALS[0]
    assert "abort" not in kafka.calls


def test_revoked_partition_without_a_commit_is_left_to_its_owner(
    kafka: Kafka, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    worker = make(commit_interval=NEVER)
    kafka.turns = [*kafka.turns, nothing, lambda: consumer(worker).go(consumer(worker).on_revoke, 1)]
    kafka.fails["offsets"] = [AbortTransaction("the group has moved on")]
    worker.run()
    assert kafka.predictions(0) == TOTALS[0]
    assert kafka.predictions(1) == []
    assert 1 not in kafka.group
    assert "the group has moved on: the next owner will score the records since the last commit" in caplog.text


def test_a_lost_partition_is_never_committed(kafka: Kafka, make: Make) -> None:
    worker = make(commit_interval=NEVER)
    kafka.turns = [*kafka.turns, nothing, lambda: consumer(worker).go(consumer(worker).on_lost, 1)]
    worker.run()
    assert kafka.predictions(0) == TOTALS[0]
    assert kafka.predictions(1) == []
    assert 1 not in kafka.group


@pytest.mark.parametrize(
    "error",
    [
        Fenced("another instance"),
        ConfigurationError("too large"),
        InternalError("a bug"),
        RuntimeError("a bug"),
        KeyboardInterrupt(),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("call", ["produce", "receive", "flush"])
def test_error_that_a_retry_cannot_fix_ends_without_a_commit(
    kafka: Kafka, make: Make, call: str, error: BaseException
) -> None:
    worker = make(commit_interval=ALWAYS, max_batch=1)
    kafka.turns = [*kafka.turns, nothing, lambda: kafka.fails.update({call: [error]})]
    with pytest.raises(type(error)):
        worker.run()
    assert kafka.calls[-2:] == ["abort", "close"]
    for number, (offset, _) in kafka.group.items():
        assert kafka.predictions(number) == TOTALS[number][:offset]


def test_failure_during_shutdown_does_not_hide_the_first_error(kafka: Kafka, make: Make) -> None:
    worker = make()
    kafka.fails = {"flush": [StateError("why")], "abort": [Fenced("later")], "close": [RetryCall("later")]}
    with pytest.raises(StateError, match="why"):
        worker.run()


def test_a_drain_that_meets_a_dead_broker_ends_and_commits_nothing(
    kafka: Kafka, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka.stop, "is_overdue", lambda: True)
    kafka.fails["flush"] = [RetryCall("no answer")]
    with pytest.raises(BrokerUnavailable):
        make(commit_interval=NEVER).run()
    assert kafka.visible == []
    assert kafka.calls[-2:] == ["abort", "close"]


def test_drain_with_an_aborted_transaction_logs_what_remains(
    kafka: Kafka, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    kafka.fails["offsets"] = [AbortTransaction("the group has moved on")]
    make(commit_interval=NEVER).run()
    assert kafka.visible == []
    assert "the next owner will score" in caplog.text
    assert "drained" not in caplog.text


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The worker's time in seconds, `clock.now`."""
    time: Any = SimpleNamespace(now=100.0, sleep=None, monotonic=lambda: time.now)
    monkeypatch.setattr(loop, "time", time)
    monkeypatch.setattr(transactions, "time", time)
    monkeypatch.setattr(schedule, "time", time)
    return time


def test_a_start_is_committed_after_a_second_though_no_record_comes(
    kafka: Kafka, make: Make, clock: SimpleNamespace
) -> None:
    worker, seen = make(start="latest"), []

    def tick() -> None:
        seen.append({number: offset for number, (offset, _) in kafka.group.items()})
        clock.now += 0.6

    kafka.turns += [tick, tick, tick]
    worker.run()
    assert seen[0] == {}
    assert seen[-1] == {0: 5, 1: 5}
    assert kafka.visible == []


def test_batch_longer_than_the_commit_interval_has_its_own_commit(
    kafka: Kafka, make: Make, clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, batches_scored = make(max_batch=2), 0
    score = scorer_of(worker).score_timed

    def slowly(batches: Any) -> Any:
        nonlocal batches_scored
        batches_scored += 1
        clock.now += 20
        return score(batches)

    monkeypatch.setattr(scorer_of(worker), "score_timed", slowly)
    worker.run()
    assert kafka.calls.count("commit") >= batches_scored > 3
    assert_exact(kafka)


@pytest.mark.parametrize("is_patient", [True, False])
def test_drain_logs_the_batch_that_it_waits_for(
    kafka: Kafka, make: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, *, is_patient: bool
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(background, "SLOW_S", 0.001)
    worker, done, slow = make(max_batch=2, commit_interval=NEVER), threading.Event(), list[int]()
    score = scorer_of(worker).score_timed

    def slowly(batches: Any) -> Any:
        if not slow:
            slow.append(1)
            kafka.turns += [kafka.stop.request, nothing, nothing, done.set if is_patient else nothing]
            done.wait(30)
        return score(batches)

    monkeypatch.setattr(scorer_of(worker), "score_timed", slowly)
    monkeypatch.setattr(signals, "BATCH_S", 120.0 if is_patient else 0.2)
    worker.run()
    done.set()
    lines = [line for line in caplog.messages if "batch of" in line]
    assert lines[0].startswith("draining: a batch of ")
    assert [line.startswith("exiting: a batch of ") for line in lines[1:]] == ([] if is_patient else [True])
    assert bool(kafka.visible) is is_patient
    assert {number: offset for number, (offset, _) in kafka.group.items() if offset} == (
        {number: len(kafka.predictions(number)) for number in TOTALS} if is_patient else {}
    )
