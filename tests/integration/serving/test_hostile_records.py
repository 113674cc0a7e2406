"""Thousands of hostile records in one stream: each ends once, and the service neither stops nor restarts."""

from __future__ import annotations

import json
import random
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any, cast

import msgspec
import pytest
from confluent_kafka import Message
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource

import makiserve
from makiserve.errors import AbortTransaction, MessageRefused
from makiserve.kafka import Connection, Limits, RangeReader, TransactionalProducer
from makiserve.offline.audit import audit
from makiserve.serving.dead_letters import DeadLetterFilter, redrive_dead_letters
from makiserve.serving.messages import Outgoing
from makiserve.serving.sender import RETRY_TIMEOUT, Sender
from makiserve.settings import AuditSettings, BrokerSettings
from makiserve.testing.broker.topic_creation import create_topic
from tests.integration.serving.hostile import (
    DEAD_LETTERS,
    INPUT,
    OUTPUT,
    REFUSED_BY_SHADOW,
    SHADOW,
    Case,
    log_models,
    stream,
)
from tests.integration.serving.raw import RawProducer
from tests.integration.serving.service import Service, read, sources

Topic = Callable[..., str]
Start = Callable[..., Service]
PIPELINE = "tests.integration.serving.hostile:features"
SLOW_S = 500.0


class Stream:
    """A hostile stream in a topic, and what is expected of it.

    Attributes:
        cases: by partition, in the order of their offsets.
    """

    def __init__(self, kafka: str, admin: AdminClient, topic: Topic, hostile: int, partitions: int = 2) -> None:
        self.kafka = kafka
        self.input, self.output = topic(partitions, **INPUT), topic(partitions, **OUTPUT)
        self.dead_letters = f"{self.output}.dead-letters"
        create_topic(admin, self.dead_letters, partitions, **DEAD_LETTERS)
        self.cases: list[list[Case]] = [[] for _ in range(partitions)]
        producer = RawProducer(kafka)
        for number, case in enumerate(stream(hostile, hostile)):
            producer.produce(self.input, number % partitions, case.message)
            self.cases[number % partitions].append(case)
        producer.flush()
        with RangeReader(Connection(BrokerSettings(kafka, "nobody"))) as reader:
            now = datetime.now(timezone.utc)
            ends = [
                reader.offset_range(self.input, number, "earliest", "latest", now).end for number in range(partitions)
            ]
        assert ends == [len(cases) for cases in self.cases]  # librdkafka has dropped nothing

    def wait(self) -> tuple[dict[int, list[Message]], dict[int, list[Message]]]:
        """Return outputs and dead letters, once there are as many as there must be."""
        reasons = Counter(case.reason for cases in self.cases for case in cases)
        scored = reasons.pop(None)
        outputs = read(self.kafka, self.output, enough=scored, timeout=SLOW_S)
        return outputs, read(self.kafka, self.dead_letters, enough=reasons.total(), timeout=SLOW_S)

    def assert_dead_letters(self, dead_letters: dict[int, list[Message]]) -> None:
        """Every record that is not scored has one dead letter, with its reason, whole or with what it omits."""
        for number, cases in enumerate(self.cases):
            dead = [offset for offset, case in enumerate(cases) if case.reason]
            assert sources(dead_letters[number]) == dead
            for dead_letter in dead_letters[number]:
                headers = dict(dead_letter.headers() or [])
                case = cases[sources([dead_letter])[0]]
                sent = case.message
                assert headers["makiserve.reason"].decode() == case.reason
                for part, kept, whole in (
                    ("value", dead_letter.value(), sent.value),
                    ("key", dead_letter.key(), sent.key),
                ):
                    omitted = headers.get(f"makiserve.{part}-omitted")
                    assert (kept, omitted) in ((whole, None), (None, b"%d bytes" % len(whole or b"")))


def totals(cases: Sequence[Case]) -> list[tuple[int, float]]:
    """Return offset and running total for each record that is scored."""
    pairs, total = [], 0.0
    for offset, case in enumerate(cases):
        total += case.value
        if case.reason is None:
            pairs.append((offset, total))
    return pairs


def assert_calm(running: Service) -> None:
    """The service neither stopped nor started again, and no transaction had to be done twice."""
    code, log = running.stop(signal.SIGTERM)
    assert (code, [word for word in ("Traceback", "aborted", "restarting", "a bug") if word in log]) == (0, [])


def set_limit(admin: AdminClient, topic: str, size: int) -> None:
    entry = ConfigEntry("max.message.bytes", str(size), incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
    admin.incremental_alter_configs([resource])[resource].result()


def test_2000_hostile_records_end_once(kafka: str, admin: AdminClient, topic: Topic, service: Start) -> None:
    hostile = Stream(kafka, admin, topic, 2_000)
    running = service(PIPELINE, hostile.input, hostile.output)
    outputs, dead_letters = hostile.wait()
    for number, cases in enumerate(hostile.cases):
        made = [json.loads(message.value()) for message in outputs[number]]
        assert list(zip(sources(outputs[number]), [record["total"] for record in made], strict=True)) == totals(cases)
        for message, offset in zip(outputs[number], sources(outputs[number]), strict=True):
            sent, headers = cases[offset].message, dict(message.headers() or [])
            assert message.key() == sent.key
            assert sent.time_ms in (message.timestamp()[1], int(headers.get("makiserve.time", b"0")))
            assert [name for name, _ in cast("list[Any]", message.headers())].count("makiserve.source") == 1
    hostile.assert_dead_letters(dead_letters)
    assert_calm(running)
    assert_redriven(kafka, admin, hostile, sum(map(len, dead_letters.values())))


def assert_redriven(kafka: str, admin: AdminClient, hostile: Stream, dead_letters: int) -> None:
    """Every record that the input accepts is redriven once, unchanged; the others wait until it accepts them."""
    before = [len(cases) for cases in hostile.cases]
    connection = Connection(BrokerSettings(kafka, hostile.dead_letters, instance="redrive"))
    set_limit(admin, hostile.input, 100_000)
    first = redrive_dead_letters(connection, DeadLetterFilter(hostile.dead_letters))
    assert first.kept
    assert all("accepts at most 100,000" in why for _, why in first.kept)
    set_limit(admin, hostile.input, 300_000)
    second = redrive_dead_letters(connection, DeadLetterFilter(hostile.dead_letters))
    assert (second.kept, second.records.total()) == ([], len(first.kept))
    assert first.records.total() + second.records.total() == dead_letters
    again = read(kafka, hostile.input, enough=sum(before) + dead_letters, timeout=SLOW_S)
    for number, cases in enumerate(hostile.cases):
        sent = Counter((case.message.key, case.message.value) for case in cases if case.reason)
        assert Counter((message.key(), message.value()) for message in again[number][before[number] :]) == sent


def test_hostile_records_with_partition_by_end_once(
    kafka: str, admin: AdminClient, topic: Topic, service: Start
) -> None:
    hostile = Stream(kafka, admin, topic, 150)
    running = service(PIPELINE, hostile.input, hostile.output, "--partition-by", "number")
    outputs, dead_letters = hostile.wait()
    places = {(number, at): case for number, cases in enumerate(hostile.cases) for at, case in enumerate(cases)}
    written = Counter((source(message), message.key()) for messages in outputs.values() for message in messages)
    assert written == Counter((place, case.message.key) for place, case in places.items() if case.reason is None)
    dead = Counter(source(message) for messages in dead_letters.values() for message in messages)
    assert dead == Counter(place for place, case in places.items() if case.reason)
    assert_calm(running)


def test_hostile_records_end_once_in_several_workers(
    kafka: str, admin: AdminClient, topic: Topic, service: Start
) -> None:
    hostile = Stream(kafka, admin, topic, 300, partitions=4)
    running = service(PIPELINE, hostile.input, hostile.output, "--workers", "2")
    outputs, dead_letters = hostile.wait()
    for number, cases in enumerate(hostile.cases):
        made = [json.loads(message.value())["total"] for message in outputs[number]]
        assert list(zip(sources(outputs[number]), made, strict=True)) == totals(cases)
    hostile.assert_dead_letters(dead_letters)
    assert_calm(running)


def test_hostile_records_with_challenger_shadow_and_audit(
    kafka: str, admin: AdminClient, topic: Topic, service: Start, tracking_uri: str
) -> None:
    log_models()
    hostile, watched = Stream(kafka, admin, topic, 300), topic(2, **SHADOW)
    options = ["--emit", "prediction,features", "--split", "challenger=40%"]
    options += ["--shadow", "models:/hostile@shadow", "--shadow-output", watched]
    running = service("models:/hostile@champion", hostile.input, hostile.output, *options)
    outputs, dead_letters = hostile.wait()
    for number, cases in enumerate(hostile.cases):
        made = [json.loads(message.value())["prediction"] for message in outputs[number]]
        assert list(zip(sources(outputs[number]), made, strict=True)) == totals(cases)
    hostile.assert_dead_letters(dead_letters)
    versions = Counter(
        dict(message.headers() or [])["makiserve.version"] for messages in outputs.values() for message in messages
    )
    assert set(versions) == {b"1", b"2"}
    assert_shadow(read(kafka, watched), hostile.cases)
    assert_calm(running)

    model = replace(makiserve.load("models:/hostile@champion"), emit=("prediction", "features"))
    settings = AuditSettings(hostile.input, hostile.output, hostile.dead_letters, tolerance=0.0)
    audited = audit(model, Connection(BrokerSettings(kafka, f"makiserve.{hostile.output}")), settings)
    assert [str(partition) for partition in audited if not partition.agree] == []
    assert [partition.offsets[1] for partition in audited] == [len(cases) for cases in hostile.cases]


def assert_shadow(watched: dict[int, list[Message]], cases: Sequence[Sequence[Case]]) -> None:
    """The shadow has one message for each record that has features: its prediction, or why there is none."""
    for number, partition_cases in enumerate(cases):
        scored = [offset for offset, case in enumerate(partition_cases) if case.reason in (None, "publish")]
        assert sources(watched[number]) == scored
        for message, offset in zip(watched[number], scored, strict=True):
            said = json.loads(message.value() or b"{}")
            record = json.loads(partition_cases[offset].message.value or b"{}")
            is_refused = record["number"] % 10 == REFUSED_BY_SHADOW
            assert "error" in said if is_refused or "prediction" not in said else len(said["prediction"]) < 40_000


def source(message: Message) -> tuple[int, int]:
    """Return partition and offset of the record in the input."""
    text = dict(message.headers() or [])["makiserve.source"].decode()
    partition, _, offset = text.rpartition("[")[2].partition("]@")
    return int(partition), int(offset)


@pytest.mark.parametrize(
    ("settings", "bad"),
    [
        ({"max_message_bytes": "50000"}, {"value": random.Random(1).randbytes(60_000)}),
        ({"cleanup_policy": "compact"}, {"key": None}),
        ({}, {"time_ms": 2**62}),
    ],
)
def test_unexpectedly_refused_messages_are_isolated(
    kafka: str, topic: Topic, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], bad: dict[str, Any]
) -> None:
    output = topic(1, **settings)
    connection = Connection(BrokerSettings(kafka, output, instance="one"))
    monkeypatch.setattr(Limits, "read", lambda self: None)  # as if the settings of topics may not be read
    producer = TransactionalProducer(connection)
    producer.init(RETRY_TIMEOUT)
    sender = Sender(producer, Limits(connection, [output]))
    messages = [Outgoing(output, 0, b"%d" % number, b"x" * 100, [], 1_700_000_000_000) for number in range(300)]
    for number in (0, 150, 299):
        messages[number] = msgspec.structs.replace(messages[number], **bad)
    for _ in range(40):
        try:
            for offset, message in enumerate(messages):
                if (0, offset) not in sender.refused:
                    sender.send((0, offset), message)
            producer.flush(RETRY_TIMEOUT)
            producer.commit()
        except AbortTransaction as error:
            if isinstance(error, MessageRefused):
                sender.isolate_refusal(error)
            sender.aborted()
            producer.abort()
        else:
            break
    sender.committed()
    assert {offset for _, offset in sender.refused} == {0, 150, 299}
    assert [message.key() for message in read(kafka, output, enough=297)[0]] == [
        b"%d" % number for number in range(300) if number not in (0, 150, 299)
    ]
