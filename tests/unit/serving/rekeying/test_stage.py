"""Another key for a record, and its own back."""

from __future__ import annotations

from typing import Any, cast

import pytest
from confluent_kafka import Message

import makiserve
from makiserve.artifact import FeaturesOnly
from makiserve.kafka import BY_KEY
from makiserve.records import Schema
from makiserve.scoring import Batch
from makiserve.serving.messages import Origin, Times, origin_before, rekeyed_headers, source_header
from makiserve.serving.repartition import Keys, Repartitioner, key_of
from makiserve.serving.sender import Sender
from makiserve.serving.topics import topic_between
from makiserve.settings import ServeSettings
from makiserve.stream import ops
from makiserve.stream.engine.trace import trace
from tests.unit.serving.fakes import Limits, message


class Reading(makiserve.Record):
    house: str | None
    number: float = 0


class Producer:
    def __init__(self) -> None:
        self.produced: list[tuple[Any, ...]] = []

    def produce(self, *record: Any) -> None:
        self.produced.append(record)

    def flush(self, timeout: object) -> None:
        raise NotImplementedError


KEYS = Keys(FeaturesOnly("m:f", "d1", lambda: ops.map(str), Reading, trace(ops.map(str))), "house")
SETTINGS = ServeSettings(input="in", output="between", dead_letters="dead")


@pytest.mark.parametrize(
    ("value", "key"), [("h 1", b"h 1"), ("", b""), ("ß", "ß".encode()), (3, b"3"), (1.0, b"1.0"), (True, b"true")]
)
def test_a_key_is_the_text_of_the_field_or_its_json(value: Any, key: bytes) -> None:
    assert key_of("house", Reading(value)) == key


def test_equal_values_have_equal_keys_however_they_were_written() -> None:
    decode = Schema(Reading).decode_json
    one, other = (decode(b'{"house": "h", "number": %s}' % number) for number in (b"1", b"1.0"))
    assert key_of("number", one) == key_of("number", other)


def test_each_message_is_produced_again_by_its_key_and_what_has_none_is_a_dead_letter() -> None:
    producer: Any = Producer()
    messages = [
        message(1, 7, b'{"house": "h1"}', [("a", b"1")]),
        message(1, 8, b'{"house": null}'),
        message(1, 9, b"{"),
    ]
    scorer = KEYS.scorer()
    schema = Schema(Reading)
    batch = Batch(scorer.new_lane(), [schema.decode_json(each.value() or b"") for each in messages[:2]])
    (scored,) = scorer.score([batch])
    published = Repartitioner(Sender(producer, cast("Any", Limits())), SETTINGS, KEYS, 1).publish(
        messages, batch, scored
    )
    kept, dead = producer.produced
    headers = [("a", b"1"), ("makiserve.source", b"in[1]@7"), ("makiserve.key", b"k")]
    assert kept == ("between", BY_KEY, b"h1", b'{"house": "h1"}', headers, 1007)
    assert dead[:4] == ("dead", 0, b"k", b'{"house": null}')
    assert b"'house' is empty: it has no key" in dict(dead[4])["makiserve.error"]
    assert (published.causes, [index for index, _ in published.dead]) == ([0], [1])


@pytest.mark.parametrize("key", [b"k7", b"", None])
@pytest.mark.parametrize("time_ms", [1007, 0, -5])
def test_the_key_the_position_and_the_time_that_a_record_had_are_given_back(key: bytes | None, time_ms: int) -> None:
    own = [("makiserve.upstream.key", b"not ours"), ("makiserve.upstream.time", b"3")]
    record = Origin(key, cast("Any", own), source_header("in", 1, 7), time_ms)
    sent_ms, time = Times(0, 2000, 1500).fit(time_ms)
    again = Message(topic="between", timestamp=(1, sent_ms), headers=cast("Any", rekeyed_headers(record, time)))
    assert origin_before(cast("Any", again)) == record


def test_a_field_names_a_topic() -> None:
    assert topic_between("makiserve.out", "house") == "makiserve.out.by-house"
    assert topic_between("g", "House overall [kW]") == "g.by-House-overall--kW-"
