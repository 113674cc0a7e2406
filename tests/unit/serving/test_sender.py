"""A broker that refuses a batch as a whole: the message at fault is found, and no other is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from msgspec.structs import replace

from makiserve.errors import ConfigurationError, MessageRefused
from makiserve.serving.messages import Outgoing
from makiserve.serving.sender import Place, Sender
from tests.unit.serving.fakes import Limits

Takes = Callable[[Outgoing], bool]


class Broker:
    """Refuses all that is flushed together if one of it is at fault."""

    def __init__(self, takes: Takes, cause: str) -> None:
        self.takes, self.cause = takes, cause
        self.waiting: list[Outgoing] = []
        self.written: list[Outgoing] = []

    def produce(self, *message: Any) -> None:
        self.waiting.append(Outgoing(*message))

    def flush(self, timeout: object = None) -> None:
        waiting, self.waiting = self.waiting, []
        if bad := [message for message in waiting if not self.takes(message)]:
            raise MessageRefused("refused", topic=bad[0].topic, cause=cast("Any", self.cause))
        self.written += waiting


def output(number: int, size: int = 100) -> Outgoing:
    return Outgoing("out", 0, b"%d" % number, b"x" * size, [], 1)


def run(broker: Broker, messages: list[Outgoing]) -> tuple[Sender, int]:
    """Produce the messages, or small dead letters instead of those that are refused; return how often it took."""
    sender, tries = Sender(cast("Any", broker), cast("Any", Limits())), 0
    while True:
        tries += 1
        assert tries < 50
        broker.written.clear()
        try:
            for offset, message in enumerate(messages):
                place: Place = (0, offset)
                letter = replace(message, topic="dead", value=b"")
                sender.send(place, letter if place in sender.refused else message)
            broker.flush()
        except MessageRefused as error:
            sender.isolate_refusal(error)
            sender.aborted()
        else:
            sender.committed()
            return sender, tries


def test_messages_that_are_taken_are_produced_without_a_flush() -> None:
    broker = Broker(lambda message: True, "record")
    assert run(broker, [output(number) for number in range(1000)])[1] == 1
    assert len(broker.written) == 1000


@pytest.mark.parametrize("bad", [{0}, {999}, {3, 4, 500}])
def test_a_message_that_is_refused_is_found_and_no_other_is_lost(bad: set[int]) -> None:
    broker = Broker(lambda message: message.topic == "dead" or int(message.key or b"") not in bad, "record")
    sender, _ = run(broker, [output(number) for number in range(1000)])
    assert [int(message.key or b"") for message in broker.written] == list(range(1000))
    assert {offset for _, offset in sender.refused} == bad
    assert [int(message.key or b"") for message in broker.written if message.topic == "dead"] == sorted(bad)


def test_limit_learned_from_a_refusal_is_remembered() -> None:
    broker = Broker(lambda message: message.key is not None, "record")
    keyless = replace(output(0), key=None)
    sender = Sender(cast("Any", broker), cast("Any", Limits()))
    for _ in range(2):
        sender.send((0, 0), keyless)
        with pytest.raises(MessageRefused) as raised:
            broker.flush()
        sender.isolate_refusal(raised.value)
        sender.aborted()
    assert sender.limits("out").needs_key


def test_the_largest_message_that_a_topic_takes_is_learned() -> None:
    broker = Broker(lambda message: len(message.value or b"") < 500, "size")
    sender, _ = run(broker, [output(0, 100), output(1, 500), output(2, 100)])
    assert 500 < sender.limits("out").max_bytes < 700


def test_a_topic_that_refuses_every_dead_letter_is_an_error() -> None:
    broker = Broker(lambda message: False, "size")
    with pytest.raises(ConfigurationError, match="refuses even the smallest dead letter"):
        run(broker, [replace(output(0), topic="dead")])
