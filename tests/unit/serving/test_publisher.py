"""The messages that are produced for a scored batch."""

from __future__ import annotations

import time
from typing import Any, cast

import pytest
from confluent_kafka import Message

from makiserve.errors import DecodeError
from makiserve.kafka import TopicLimits, message_bytes
from makiserve.scoring import Batch, Lane, Scored
from makiserve.serving.messages import BARE_BYTES
from makiserve.serving.publisher import Publisher
from makiserve.serving.scoring_processor import ScoringProcessor
from makiserve.serving.sender import Sender
from makiserve.settings import ServeSettings
from tests.unit.serving.fakes import Features, Limits, Output, Step, message, packaged

TRACE = ("traceparent", b"00-1")
MODEL = {"makiserve.model": b"house", "makiserve.version": b"3", "makiserve.digest": b"d1"}


class Calls:
    """A producer that keeps the arguments."""

    def __init__(self) -> None:
        self.made: list[tuple[Any, ...]] = []

    def produce(self, *arguments: Any) -> None:
        self.made.append(arguments)

    def flush(self, timeout: object) -> None:
        raise NotImplementedError


SHADOWED = ServeSettings("in", "out", "dead", shadow_output="shadow")
UNBOUNDED = TopicLimits(after_ms=2**63 - 1)


def published(
    messages: list[Any], scored: Scored, dead_partitions: int = 4, **limits: TopicLimits
) -> list[tuple[Any, ...]]:
    producer: Any = Calls()
    batch = Batch(Lane([]), [Step(float(record.offset())) for record in messages])
    sender = Sender(producer, cast("Any", Limits(**limits)))
    processed = ScoringProcessor(packaged(), SHADOWED).processed(messages, batch, scored)
    result = Publisher(sender, SHADOWED, dead_partitions).publish(messages, processed)
    dead_letters = [made for made in producer.made if made[0] == "dead"]
    assert [str(error).encode() for _, error in result.dead] == [
        output(made).headers["makiserve.error"] for made in dead_letters
    ]
    assert len(result.values) == sum(made[0] == "out" for made in producer.made)
    return list(producer.made)


def output(made: tuple[Any, ...]) -> Output:
    topic, partition, _, value, headers, _ = made
    return Output(topic, partition, value, dict(headers))


def test_output_keeps_key_partition_time_and_headers_of_its_record() -> None:
    messages = [message(2, 7, b"a"), message(2, 8, b"b", [TRACE])]
    (made,) = published(messages, Scored([1], [Features(1)], [5.0], []))
    assert (made[2], made[5]) == (b"k", 1008)
    headers = {"traceparent": b"00-1", "makiserve.source": b"in[2]@8", **MODEL}
    assert output(made) == Output("out", 2, b'{"prediction":5.0}', headers)


def test_schema_id_is_kept_by_dead_letters_and_not_by_outputs() -> None:
    header = ("__value_schema_id", b"\1" + bytes(16))
    messages = [message(2, 7, b"a", [header, TRACE]), message(2, 8, b"b", [header, TRACE])]
    made = published(messages, Scored([0], [Features(1)], [5.0], [(1, DecodeError("no"))], shadow=[(0, 1.0)]))
    kept = {output(call).topic: "__value_schema_id" in output(call).headers for call in made}
    assert kept == {"out": False, "dead": True, "shadow": False}
    assert all(output(call).headers["traceparent"] == b"00-1" for call in made)


def test_one_record_may_cause_several_outputs_or_none() -> None:
    messages = [message(0, offset, b"") for offset in range(3)]
    made = published(messages, Scored([0, 2, 2], [Features(1)] * 3, [1, 2, 3], []))
    assert [output(call).headers["makiserve.source"] for call in made] == [b"in[0]@0", b"in[0]@2", b"in[0]@2"]
    assert [output(call).prediction for call in made] == [1, 2, 3]


def test_dead_letter_has_reason_and_output_headers() -> None:
    (made,) = published([message(0, 7, b"{", [TRACE])], Scored([], [], [], [(0, DecodeError("damaged"))]))
    reason = {"makiserve.time": b"1007", "makiserve.reason": b"decode", "makiserve.error": b"damaged"}
    headers = {"traceparent": b"00-1", "makiserve.source": b"in[0]@7", **MODEL, **reason}
    assert output(made) == Output("dead", 0, b"{", headers)
    assert made[2] == b"k"


def test_dead_letters_share_partitions_if_their_topic_has_fewer() -> None:
    (made,) = published([message(3, 0, b"{")], Scored([], [], [], [(0, DecodeError("damaged"))]), dead_partitions=2)
    assert output(made).partition == 1


def test_record_with_one_output_too_large_is_a_dead_letter() -> None:
    messages = [message(0, offset, b"") for offset in range(3)]
    scored = Scored([0, 1, 1, 2], [Features(1)] * 4, [1, 2, "x" * 2000, 3], [])
    made = published(messages, scored, out=TopicLimits(1000))
    assert [output(call).prediction for call in made[:-1]] == [1, 3]
    dead_letter = output(made[-1])
    assert dead_letter.headers["makiserve.source"] == b"in[0]@1"
    assert dead_letter.headers["makiserve.reason"] == b"publish"
    assert b"but out accepts at most 1,000" in dead_letter.headers["makiserve.error"]


@pytest.mark.parametrize("headers", [[], [TRACE], [("h", b"h" * 9000)]])
@pytest.mark.parametrize("in_key", [True, False])
def test_an_output_is_accepted_up_to_the_largest_size_to_the_byte(headers: Any, *, in_key: bool) -> None:
    """Whether messages are measured part by part, or are so small that this is not needed."""

    def topics(size: int, most: int) -> list[str]:
        record = message(0, 7, b"", headers)
        record.set_key(b"k" * (size if in_key else 1))
        made = published(
            [record], Scored([0], [Features(1)], ["" if in_key else "x" * size], []), out=TopicLimits(most)
        )
        sizes.extend(message_bytes(*call[2:5]) for call in made if call[0] == "out")
        return [call[0] for call in made]

    sizes: list[int] = []
    for most in (BARE_BYTES + 3000, BARE_BYTES + 90_000):
        assert topics(1, most) == ["out"]
        largest = most - sizes[-1] + 1
        assert topics(largest, most) == ["out"]
        assert sizes[-1] == most
        assert topics(largest + 1, most) == ["dead"]


def test_record_without_key_is_dead_letter_for_compacted_output() -> None:
    keyless, keyed = message(0, 0, b""), message(0, 1, b"")
    keyless.set_key(None)
    scored = Scored([0, 1], [Features(1)] * 2, [1, 2], [])
    made = published([keyless, keyed], scored, out=TopicLimits(needs_key=True))
    assert [(call[0], call[2]) for call in made] == [("out", b"k"), ("dead", None)]


@pytest.mark.parametrize("time_ms", [0, -(2**63), 2**63 - 1, 1_795_881_989_187_000])
def test_an_output_with_a_time_that_its_topic_refuses_has_that_of_now(time_ms: int) -> None:
    odd = Message(topic="in", partition=0, offset=0, key=b"k", value=b"", timestamp=(1, time_ms))
    (made,) = published([odd], Scored([0], [Features(1)], [1], []))
    assert made[5] > 1_600_000_000_000
    assert output(made).headers["makiserve.time"] == b"%d" % time_ms
    (unbounded,) = published([odd], Scored([0], [Features(1)], [1], []), out=UNBOUNDED)
    assert (unbounded[5] == time_ms) == (time_ms > 0)


def test_shadow_output_that_is_too_large_becomes_an_error() -> None:
    keyless = message(0, 0, b"", [("h", b"h" * 900)])
    keyless.set_key(None)
    scored = Scored([], [], [], [], shadow=[(0, 1), (0, "x" * 2000)])
    first, second = published([keyless], scored, shadow=TopicLimits(1500, needs_key=True))
    assert (first[2], output(first).prediction) == (b"in[0]@0", 1)
    assert b"but shadow accepts at most 1,500" in second[3]
    assert output(second).headers.get("h") == b"h" * 900
    (third,) = published([keyless], scored._replace(shadow=[(0, 1)]), shadow=TopicLimits(1000))
    assert b"but shadow accepts at most 1,000" in third[3]
    assert output(third).headers["makiserve.headers-omitted"]


# Dead letters had the time of their record: if that was before the retention time, brokers deleted them in minutes.


def test_dead_letter_has_the_time_at_which_it_was_written() -> None:
    began_ms = int(time.time() * 1000)
    (made,) = published([message(0, 7, b"{")], Scored([], [], [], [(0, DecodeError("damaged"))]))
    assert made[5] >= began_ms
    assert dict(made[4])["makiserve.time"] == b"1007"
