"""Another key for a record, and its own back."""

from __future__ import annotations

from typing import Any, cast

import pytest
from confluent_kafka import Message

import makiserve
from makiserve.artifact import FeaturesOnly
from makiserve.kafka import BY_KEY, MessageDecoder
from makiserve.kafka.headers import RecordPosition
from makiserve.kafka.intermediate_topic import input_key, intermediate_topic, producer_key
from makiserve.records import Schema
from makiserve.scoring import Batch
from makiserve.serving import assemble
from makiserve.serving.messages import Draft, RecordOrigin, Times, input_origin, original_key
from makiserve.serving.publisher import Publisher
from makiserve.serving.repartition import Repartitioner, key_of
from makiserve.serving.sender import Sender
from makiserve.serving.topics import Partitions
from makiserve.settings import BrokerSettings, ServeSettings
from makiserve.stream import ops
from makiserve.stream.engine.trace import trace
from tests.loops import loop_over
from tests.unit.serving.fakes import Consumer, Kafka, Limits, Lookup, message, packaged
from tests.unit.serving.fakes import Producer as MemoryProducer


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


SETTINGS = ServeSettings(input="in", output="between", dead_letters="dead")
MODEL = FeaturesOnly("m:f", "d1", lambda: ops.map(str), Reading, trace(ops.map(str)))
STAGE = Repartitioner(MODEL, "house", SETTINGS)


@loop_over(
    ("value", "key"), [("h 1", b"h 1"), ("", b""), ("ß", "ß".encode()), (3, b"3"), (1.0, b"1.0"), (True, b"true")]
)
def test_a_key_is_the_text_of_the_field_or_its_json(value: Any, key: bytes) -> None:
    assert key_of("house", Reading(value)) == key


def test_equal_values_have_equal_keys_however_they_were_written() -> None:
    decode = Schema(Reading).decode_json
    integer, decimal = (decode(b'{"house": "h", "number": %s}' % number) for number in (b"1", b"1.0"))
    assert key_of("number", integer) == key_of("number", decimal)


def test_message_is_keyed_by_field_or_becomes_a_dead_letter() -> None:
    producer: Any = Producer()
    messages = [
        message(1, 7, b'{"house": "h1"}', [("a", b"1")]),
        message(1, 8, b'{"house": null}'),
        message(1, 9, b"{"),
    ]
    batch = Batch(STAGE.new_lane(), MessageDecoder(STAGE.schema).decode(messages[:2]).records)
    processed = STAGE.processed(messages[:2], batch)
    published = Publisher(Sender(producer, cast("Any", Limits())), SETTINGS, 1).publish(messages, processed)
    kept, dead = producer.produced
    headers = [("a", b"1"), ("makiserve.source", b"in[1]@7"), ("makiserve.key", b"k")]
    assert kept == ("between", BY_KEY, b"h1", b'{"house": "h1"}', headers, 1007)
    assert dead[:4] == ("dead", 0, b"k", b'{"house": null}')
    assert b"'house' is empty, so the record has no key" in dict(dead[4])["makiserve.error"]
    assert (published.causes, [index for index, _ in published.dead]) == ([0], [1])


@loop_over("key", [b"k7", b"", None])
@loop_over("time_ms", [1007, 0, -5])
def test_the_key_the_position_and_the_time_that_a_record_had_are_given_back(key: bytes | None, time_ms: int) -> None:
    headers = [("makiserve.upstream.key", b"not ours"), ("makiserve.upstream.time", b"3")]
    record = RecordOrigin(key, cast("Any", headers), RecordPosition("in", 1, 7).header, time_ms)
    sent = Draft(record, BY_KEY, b"h1", b"{}", original_key(record)).fitted("between", Times(0, 2000, 1500))
    again = Message(topic="between", timestamp=(1, sent.time_ms), headers=cast("Any", sent.headers))
    assert input_origin(cast("Any", again)) == record
    assert input_key(cast("Any", again)) == key


@pytest.mark.parametrize(
    ("topic", "added", "key"),
    [
        ("g.by-house", [("makiserve.source", b"in[1]@7"), ("makiserve.key", b"k7")], b"k7"),
        ("g.by-house", [("makiserve.source", b"in[1]@7")], None),
        ("g.by-house", [("makiserve.source", b"in[1]@7"), ("makiserve.digest", b"d")], b"h1"),  # of an output
        ("g.by-house", [], b"h1"),
        ("house", [("makiserve.source", b"in[1]@7"), ("makiserve.key", b"k7")], b"h1"),
    ],
)
def test_key_in_the_intermediate_topic_is_the_one_of_the_input(topic: str, added: Any, key: bytes | None) -> None:
    again = Message(topic=topic, key=b"h1", headers=[("a", b"1"), *added])
    assert producer_key(cast("Any", again)) == key


def test_a_field_names_a_topic() -> None:
    assert intermediate_topic("makiserve.out", "house") == "makiserve.out.by-house"
    assert intermediate_topic("g", "House overall [kW]") == "g.by-House-overall--kW-"


def test_first_stage_commits_each_record_under_its_key(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assemble, "TransactionalProducer", lambda connection, batch_bytes: MemoryProducer(kafka))
    monkeypatch.setattr(assemble, "Limits", lambda connection, topics: Limits())
    monkeypatch.setattr(assemble, "InputConsumer", lambda connection, topic: Consumer(kafka))
    monkeypatch.setattr(assemble, "OffsetsClient", lambda connection, topic: Lookup(kafka))
    kafka.input[0].append(message(0, 5, b"{"))
    stage = Repartitioner(packaged(), "value", SETTINGS)
    worker = assemble.assemble(stage, BrokerSettings("broker:9092", "between"), SETTINGS, Partitions(2, 2), kafka.stop)
    consumer: Any = worker.consumer
    kafka.turns.insert(0, lambda: consumer.come(0, 1))

    worker.run()

    kept = [output for output in kafka.visible if output.topic == "between"]
    assert sorted(output.value or b"" for output in kept) == sorted(
        record.value() or b"" for number in (0, 1) for record in kafka.input[number][:5]
    )
    assert {output.partition for output in kept} == {BY_KEY}
    (dead,) = [output for output in kafka.visible if output.topic == "dead"]
    assert dead.headers["makiserve.source"] == b"in[0]@5"
    assert {number: offset for number, (offset, _) in kafka.group.items()} == {0: 6, 1: 5}


@pytest.mark.parametrize("time", [b"x", b"9" * 30, b"", None])
def test_message_of_another_program_in_the_intermediate_topic_is_its_own_origin(time: bytes | None) -> None:
    foreign = message(1, 7, b"{}", [("a", b"1"), ("makiserve.time", time)])

    assert input_origin(foreign) == RecordOrigin(b"k", foreign.headers(), RecordPosition("in", 1, 7).header, 1007)
