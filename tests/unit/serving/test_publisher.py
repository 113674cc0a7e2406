"""What is produced for a scored batch."""

from __future__ import annotations

from typing import Any

from makiserve.errors import DecodeError
from makiserve.scoring import Batch, Lane, Scored
from makiserve.serving.publisher import Publisher
from makiserve.settings import ServeSettings
from tests.unit.serving.fakes import Features, Output, Step, message, packaged

TRACE = ("traceparent", b"00-1")
MODEL = {"makiserve.model": b"house", "makiserve.version": b"3", "makiserve.digest": b"d1"}


class Calls:
    """A producer that keeps the arguments."""

    def __init__(self) -> None:
        self.made: list[tuple[Any, ...]] = []

    def produce(self, *arguments: Any) -> None:
        self.made.append(arguments)


def published(messages: list[Any], scored: Scored, dead_partitions: int = 4) -> list[tuple[Any, ...]]:
    producer: Any = Calls()
    batch = Batch(Lane([]), [Step(float(each.offset())) for each in messages])
    publisher = Publisher(producer, ServeSettings("in", "out", "dead"), packaged(), dead_partitions)
    publisher.publish(messages, batch, scored)
    return list(producer.made)


def output(made: tuple[Any, ...]) -> Output:
    topic, partition, _, value, headers, _ = made
    return Output(topic, partition, value, dict(headers))


def test_an_output_keeps_key_partition_time_and_headers_of_the_record_that_caused_it() -> None:
    messages = [message(2, 7, b"a"), message(2, 8, b"b", [TRACE])]
    (made,) = published(messages, Scored([1], [Features(1)], [5.0], []))
    assert (made[2], made[5]) == (b"k", 1008)
    headers = {"traceparent": b"00-1", "makiserve.source": b"in[2]@8", **MODEL}
    assert output(made) == Output("out", 2, b'{"prediction":5.0}', headers)


def test_one_record_may_cause_several_outputs_or_none() -> None:
    messages = [message(0, offset, b"") for offset in range(3)]
    made = published(messages, Scored([0, 2, 2], [Features(1)] * 3, [1, 2, 3], []))
    assert [output(each).headers["makiserve.source"] for each in made] == [b"in[0]@0", b"in[0]@2", b"in[0]@2"]
    assert [output(each).prediction for each in made] == [1, 2, 3]


def test_a_dead_letter_has_its_reason_beside_the_headers_of_an_output() -> None:
    (made,) = published([message(0, 7, b"{", [TRACE])], Scored([], [], [], [(0, DecodeError("damaged"))]))
    reason = {"makiserve.time": b"1007", "makiserve.reason": b"decode", "makiserve.error": b"damaged"}
    headers = {"traceparent": b"00-1", "makiserve.source": b"in[0]@7", **MODEL, **reason}
    assert output(made) == Output("dead", 0, b"{", headers)
    assert made[2] == b"k"


def test_dead_letters_find_a_partition_where_their_topic_has_fewer() -> None:
    (made,) = published([message(3, 0, b"{")], Scored([], [], [], [(0, DecodeError("damaged"))]), dead_partitions=2)
    assert output(made).partition == 1
