"""A batch that cannot be decompressed ended a replay, while a service wrote its records as dead letters."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
import rx

import makiserve
import makiserve.stream as rs
from makiserve.artifact import features_only
from makiserve.errors import ConfigurationError
from makiserve.kafka import Connection, RangeReader, offset_ranges
from makiserve.settings import BrokerSettings
from tests.kafka.unreadable import produce_around_unreadable


class Reading(makiserve.Record):
    a: int


def features() -> makiserve.Transform:
    return rx.pipe(rs.ops.map(lambda i: i))


@pytest.fixture
def damaged(kafka: str, topic: Callable[..., str]) -> str:
    name = topic(1)
    produce_around_unreadable(kafka, name, b'{"a": 1}', b'{"a": 2}')
    return name


def replayed(kafka: str, topic: str, start: int, end: int) -> tuple[list[int], list[tuple[str, int, str]]]:
    """The offsets of the outputs, and the dead letters."""
    source = makiserve.TopicSpan(topic, kafka, start, end)
    replay = makiserve.replay(features_only(f"{__name__}:features"), source)
    return list(replay.frame["offset"]), [
        (dead_letter.source, dead_letter.offset, dead_letter.error.reason) for dead_letter in replay.dead
    ]


@pytest.mark.slow
def test_records_of_a_damaged_batch_are_dead_letters(kafka: str, damaged: str) -> None:
    dead_letters = [(f"{damaged}[0]", offset, "decode") for offset in (1, 2)]
    assert replayed(kafka, damaged, 0, 4) == ([0, 3], dead_letters)
    assert replayed(kafka, damaged, 2, 4) == ([3], dead_letters[1:])
    assert replayed(kafka, damaged, 0, 2) == ([0], dead_letters[:1])


def test_damaged_batch_ends_the_read_with_an_error(kafka: str, damaged: str) -> None:
    connection = Connection(BrokerSettings(kafka, uuid.uuid4().hex))
    (span,) = offset_ranges(connection, damaged, "earliest", "latest")
    with RangeReader(connection) as reader, pytest.raises(ConfigurationError, match=r"\[0\]@1: .*max\.bytes"):
        list(reader.read(span))
