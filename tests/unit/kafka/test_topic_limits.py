"""The limits of a topic's messages, from its settings."""

from __future__ import annotations

from makiserve.kafka.topic_limits import HOUR_MS, UNLIMITED, TopicLimits, limits_from_settings, message_bytes
from tests.loops import loop_over

FOREVER = str(UNLIMITED)
KAFKA_4 = {
    "max.message.bytes": "1048588",
    "cleanup.policy": "delete",
    "message.timestamp.type": "CreateTime",
    "message.timestamp.before.max.ms": FOREVER,
    "message.timestamp.after.max.ms": "3600000",
}


@loop_over(
    ("changes", "expected"),
    [
        ({}, TopicLimits()),
        ({"max.message.bytes": "10"}, TopicLimits(10)),
        ({"cleanup.policy": "compact,delete"}, TopicLimits(needs_key=True)),
        ({"message.timestamp.type": "LogAppendTime"}, TopicLimits(after_ms=UNLIMITED)),
        ({"message.timestamp.before.max.ms": "5"}, TopicLimits(before_ms=5)),
        ({"message.timestamp.difference.max.ms": "7"}, TopicLimits(before_ms=7, after_ms=7)),
    ],
)
def test_settings_become_limits(changes: dict[str, str], expected: TopicLimits) -> None:
    assert limits_from_settings(KAFKA_4 | changes) == expected


def test_brokers_before_3_6_have_one_setting_for_past_and_future() -> None:
    old = {"max.message.bytes": "1048588", "message.timestamp.difference.max.ms": FOREVER}
    assert limits_from_settings(old) == TopicLimits(after_ms=UNLIMITED)


def test_settings_that_may_not_be_read_count_as_kafkas_defaults() -> None:
    assert limits_from_settings({}) == TopicLimits()


def test_the_times_leave_room_for_clocks_that_differ() -> None:
    earliest, latest = TopicLimits().times(10_000_000)
    assert earliest < -(2**62)
    assert latest == 10_000_000 + HOUR_MS - 60_000
    assert TopicLimits(before_ms=1000, after_ms=0).times(10_000) == (9_500, 10_000)


def test_the_size_of_a_message_counts_all_its_parts() -> None:
    empty = message_bytes(None, None, [])
    assert message_bytes(b"kk", b"vvv", []) == empty + 5
    assert message_bytes(None, None, [("ä", b"1"), ("b", None)]) == empty + 4 + 2 * 10
