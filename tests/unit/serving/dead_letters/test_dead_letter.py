"""A dead letter is taken apart into what the record was and what was wrong with it."""

from __future__ import annotations

from makiserve.errors import DecodeError, OperatorError
from makiserve.kafka import Headers
from makiserve.kafka.headers import RecordPosition, position_from_text
from makiserve.serving.dead_letters.dead_letter import (
    DeadLetterFilter,
    dead_letter_from_message,
    redrive_key,
)
from makiserve.serving.messages import RecordOrigin, dead_letter
from tests.loops import loop_over
from tests.unit.serving.fakes import message

LARGEST = 5_000


def failed() -> OperatorError:
    try:
        _ = 1 / 0
    except ZeroDivisionError as error:
        failure = OperatorError("map: ZeroDivisionError", operator="map", item=3)
        failure.__cause__ = error
    return failure


def letter(headers_before: Headers, error: OperatorError | DecodeError, value: bytes = b"7"):
    record = RecordOrigin(b"k", headers_before, RecordPosition("in[1]", 2, 30).header, 1004)
    _, kept, headers = dead_letter(record, value, [("makiserve.model", b"house")], error, LARGEST)
    dead = dead_letter_from_message(message(0, 5, kept, headers))
    assert dead
    return dead


def test_headers_added_by_the_service_are_removed_and_parsed() -> None:
    dead = letter([("traceparent", b"00-1")], failed())
    assert dead.position == RecordPosition("in", 0, 5)
    assert dead.source == RecordPosition("in[1]", 2, 30)
    assert (dead.reason, dead.operator, dead.error) == ("operator", "map", "map: ZeroDivisionError")
    assert "1 / 0" in dead.trace
    assert (dead.key, dead.value, dead.time_ms) == (b"k", b"7", 1004)
    assert dead.headers == [("traceparent", b"00-1")]
    assert not dead.omitted


def test_headers_of_a_service_before_this_one_are_the_records_own() -> None:
    headers_before = [("makiserve.source", b"first[0]@1"), ("makiserve.model", b"first"), ("makiserve.source", b"mine")]
    assert letter(headers_before, failed()).headers == headers_before


def test_each_time_is_counted() -> None:
    first = letter([("a", b"1")], failed())
    assert first.redriven_headers() == [("a", b"1"), ("makiserve.redriven", b"1")]
    second = letter(first.redriven_headers(), failed())
    assert second.redriven_headers() == [("a", b"1"), ("makiserve.redriven", b"2")]


def test_a_value_that_was_left_out_is_known_to_be() -> None:
    dead = letter([], DecodeError("too long"), b"x" * LARGEST)
    assert (dead.omitted, dead.value) == ({"value"}, None)


def test_a_record_of_another_service_gets_its_headers_back() -> None:
    headers_before = [("makiserve.upstream.source", b"first[0]@1"), ("makiserve.redriven", b"many"), ("h", None)]
    dead = letter(headers_before, failed())
    assert dead.redriven_headers() == [("makiserve.source", b"first[0]@1"), ("h", None), ("makiserve.redriven", b"1")]


@loop_over("time", [b"9" * 5000, b"99999999999999999999", "\u0663".encode(), b"", None])
@loop_over("source", [b"in[0]@%d" % 10**30, b"in[%d]@1" % 10**30, b"\xff", b"", None])
def test_message_without_makiserves_headers_is_not_a_dead_letter(time: bytes | None, source: bytes | None) -> None:
    good: dict[str, bytes | None] = {
        "makiserve.source": b"in[0]@1",
        "makiserve.reason": b"\xff",
        "makiserve.time": b"1",
    }
    assert dead_letter_from_message(message(0, 5, b"7", [*good.items()]))
    for name, value in (("makiserve.time", time), ("makiserve.source", source)):
        assert dead_letter_from_message(message(0, 5, b"7", [*(good | {name: value}).items()])) is None


def test_messages_of_others_are_none() -> None:
    assert dead_letter_from_message(message(0, 5, b"7")) is None
    assert dead_letter_from_message(message(0, 5, b"7", [("makiserve.source", b"in[0]@1")])) is None
    assert position_from_text("in@3") is None


def test_dead_letters_are_selected_by_reason_and_source() -> None:
    dead = letter([], failed())
    assert DeadLetterFilter("dead").has(dead)
    assert DeadLetterFilter("dead", reasons=["decode", "operator"]).has(dead)
    assert not DeadLetterFilter("dead", reasons=["decode"]).has(dead)
    assert DeadLetterFilter("dead", sources=["in[1][2]@30"]).has(dead)
    assert not DeadLetterFilter("dead", reasons=["operator"], sources=["in[1][2]@31"]).has(dead)
    assert redrive_key(dead) == b"0@5"
