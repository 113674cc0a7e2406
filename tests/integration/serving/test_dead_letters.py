"""Dead letters on a real broker: listed by reason, redriven exactly once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from confluent_kafka import Message

from makiserve.cli.main import command
from makiserve.kafka import Connection, TransactionalProducer
from makiserve.settings import BrokerSettings
from makiserve.testing.broker import wait_until_settled
from tests.integration.serving.service import Service, read, send

Topic = Callable[..., str]
Start = Callable[..., Service]

PIPELINE = "tests.integration.serving.pipeline:features"

GOOD = b'{"number": 1, "value": 1}'
POISON = b'{"number": 2, "value": 13}'
DAMAGED = b'{"number": 3'
LONG = json.dumps({"number": "x" * 1_000_000, "value": 1}).encode()


def run(kafka: str, *arguments: str) -> str:
    options = ["--bootstrap-servers", kafka, "--kafka", "message.max.bytes=5000000"]
    return CliRunner().invoke(command, ["dead-letters", *arguments, *options], catch_exceptions=False).stdout


def headers(message: Message) -> dict[str, Any]:
    return dict(message.headers() or [])


@pytest.fixture
def dead_letters(kafka: str, topic: Topic, service: Start) -> tuple[str, str]:
    """Return an input, and a topic with a dead letter of each kind in partition 1. The service keeps running."""
    input_, output = topic(2, max_message_bytes="5000000"), topic(2)
    send(kafka, input_, [GOOD, POISON, DAMAGED, LONG], partition=1)
    service(PIPELINE, input_, output, "--dead-letters", f"{output}.dead")
    read(kafka, f"{output}.dead", enough=3)
    return input_, f"{output}.dead"


def test_dead_letters_are_listed_and_redriven_once(kafka: str, dead_letters: tuple[str, str]) -> None:
    input_, dead = dead_letters
    shown = run(kafka, dead)
    assert f"dead letters in {dead} that are not yet redriven: 3" in shown
    assert f"operator  1, such as {input_}[1]@1 (dead letter {dead}[1]@" in shown
    assert "ZeroDivisionError: division by zero" in shown
    assert f"decode  2, such as {input_}[1]@2" in shown
    assert "Traceback" in shown
    assert "not yet redriven: 1\n" in run(kafka, dead, "--reason", "operator")
    assert "not yet redriven: 1\n" in run(kafka, dead, "--source", f"{input_}[1]@3")
    assert f"1 would be redriven to {input_}" in run(kafka, dead, "--reason", "operator", "--redrive", "--dry-run")
    assert len(read(kafka, input_)[1]) == 4
    assert f"1 redriven to {input_}" in run(kafka, dead, "--reason", "operator", "--redrive")
    assert f"2 redriven to {input_}" in run(kafka, dead, "--reason", "decode", "--redrive")
    before, again = (read(kafka, input_, enough=7)[1][part] for part in (slice(1, 4), slice(4, 7)))
    assert [message.value() for message in again] == [POISON, DAMAGED, LONG]
    for old, new in zip(before, again, strict=True):
        assert (new.key(), new.timestamp()) == (old.key(), old.timestamp())
        assert headers(new) == headers(old) | {"makiserve.redriven": b"1"}
    # The service has read the redriven records, and they are dead letters again.
    read(kafka, dead, enough=6)
    assert f"1 redriven to {input_}" in run(kafka, dead, "--reason", "operator", "--redrive")
    assert headers(read(kafka, input_, enough=8)[1][7])["makiserve.redriven"] == b"2"


def test_redrive_after_a_crash_redrives_each_record_once(
    kafka: str, topic: Topic, service: Start, dead_letters: tuple[str, str]
) -> None:
    input_, dead = dead_letters
    place = read(kafka, dead)[1][0].offset()
    run(kafka, dead, "--source", f"{input_}[1]@999", "--redrive")  # creates the redrive log and redrives nothing
    crashed = TransactionalProducer(Connection(BrokerSettings(kafka, group=dead, instance="redrive")))
    crashed.init(timedelta(seconds=30))
    crashed.produce(input_, 1, None, POISON, None, 0)
    crashed.produce(f"{dead}.redriven", 0, f"1@{place}".encode(), None, None, 0)
    crashed.flush(timedelta(seconds=30))
    assert f"3 redriven to {input_}" in run(kafka, dead, "--redrive")
    wait_until_settled(kafka, input_, 1)
    assert [message.value() for message in read(kafka, input_)[1][4:]] == [POISON, DAMAGED, LONG]
    assert "no matching dead letter" in run(kafka, dead, "--source", f"{input_}[1]@1", "--redrive")
