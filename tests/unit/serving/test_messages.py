"""Values and headers of outputs and dead letters."""

from __future__ import annotations

import traceback
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

from makiserve.errors import DecodeError, OperatorError, PredictError, RecordError
from makiserve.kafka import Headers, Message, TopicLimits, message_bytes
from makiserve.kafka.headers import MAX_TRACE_BYTES, RecordPosition, as_received, model_headers
from makiserve.serving.messages import (
    BARE_BYTES,
    Outgoing,
    RecordOrigin,
    Times,
    dead_letter,
    origin,
    refusal,
)
from tests.unit.serving.fakes import message


def model(**changes: str | None) -> Any:
    return SimpleNamespace(**{"name": "house", "version": "3", "uri": "models:/house/3", "digest": "d1", **changes})


def failed(cause: Exception) -> OperatorError:
    error = OperatorError("a function raised", operator="roll(window=3) > map", item=("secret",))
    error.__cause__ = cause
    return error


def test_an_output_names_its_model() -> None:
    assert model_headers(model()) == [
        ("makiserve.model", b"house"),
        ("makiserve.version", b"3"),
        ("makiserve.digest", b"d1"),
    ]


def test_a_model_that_is_not_registered_is_named_by_its_uri() -> None:
    headers = model_headers(model(name=None, version=None, uri="runs:/abc/model"))
    assert headers == [("makiserve.model", b"runs:/abc/model"), ("makiserve.digest", b"d1")]


def test_an_output_names_the_record_that_caused_it() -> None:
    assert RecordPosition("in", 3, 42).header == ("makiserve.source", b"in[3]@42")


RECORD = RecordOrigin(b"k", [("a", b"1")], RecordPosition("in", 0, 7).header, 1007)
MODELS: Headers = [("makiserve.model", b"house")]
LARGEST = 1_000_000


def dead_message(
    error: RecordError, value: bytes | None = b"{}", record: RecordOrigin = RECORD, largest: int = LARGEST
) -> tuple[bytes | None, bytes | None, dict[str, bytes | None]]:
    key, value, headers = dead_letter(record, value, MODELS, error, largest)
    assert message_bytes(key, value, headers) <= largest
    return key, value, dict(headers)


def test_a_dead_letter_holds_the_value_and_the_reason() -> None:
    key, value, headers = dead_message(DecodeError("field 'x': expected int"), b"{")
    assert (key, value) == (b"k", b"{")
    assert list(headers.items()) == [
        ("a", b"1"),
        ("makiserve.source", b"in[0]@7"),
        ("makiserve.model", b"house"),
        ("makiserve.time", b"1007"),
        ("makiserve.reason", b"decode"),
        ("makiserve.error", b"field 'x': expected int"),
    ]
    assert dead_message(PredictError("no"))[2]["makiserve.reason"] == b"predict"


def test_the_dead_letter_of_an_operator_names_it_and_holds_the_traceback() -> None:
    headers = dead_message(failed(ZeroDivisionError("division by zero")))[2]
    assert headers["makiserve.operator"] == b"roll(window=3) > map"
    assert (headers["makiserve.traceback"] or b"").endswith(b"ZeroDivisionError: division by zero\n")


class Unreadable(SyntaxError):
    """An exception that no version of Python can format: `traceback` reads the file of each SyntaxError."""

    @property
    def filename(self) -> str:  # type: ignore[override]
        raise ValueError("no file")


def test_dead_letter_of_an_unprintable_error_has_no_text() -> None:
    unreadable = Unreadable("no")
    with pytest.raises(ValueError, match="no file"):
        traceback.format_exception(unreadable)
    headers = dead_message(failed(unreadable))[2]
    assert headers["makiserve.traceback"] == b""
    assert headers["makiserve.reason"] == b"operator"


def test_no_header_is_long() -> None:
    assert len(dead_message(failed(ValueError("ä" * 100_000)))[2]["makiserve.traceback"] or b"") == MAX_TRACE_BYTES
    assert len(dead_message(DecodeError("x" * 100_000))[2]["makiserve.error"] or b"") == 1000


def test_text_that_has_no_utf_8_form_is_written_as_numbers() -> None:
    assert dead_message(DecodeError("\ud800"))[2]["makiserve.error"] == b"\\ud800"


def test_a_dead_letter_omits_what_does_not_fit_and_gives_its_size() -> None:
    large = replace(RECORD, key=b"k" * 2000, headers=[("h", b"h" * 2000)])
    sizes = {"value": b"3000 bytes", "headers": b"2139 bytes", "key": b"2000 bytes"}
    for largest, omitted in (
        (LARGEST, []),
        (7000, ["value"]),
        (4000, ["value", "headers"]),
        (2000, ["value", "headers", "key"]),
    ):
        key, value, headers = dead_message(DecodeError("no"), b"v" * 3000, large, largest)
        omissions = {name: headers.get(f"makiserve.{name}-omitted") for name in sizes}
        assert omissions == {name: size if name in omitted else None for name, size in sizes.items()}
        assert (value is None, "h" in headers, key is None) == (
            "value" in omitted,
            "headers" not in omitted,
            "key" in omitted,
        )


def test_longest_bare_dead_letter_fits_into_the_smallest_topic() -> None:
    error = failed(ValueError("x" * 10_000))
    error.args = ("x" * 10_000,)
    long = replace(RECORD, source=RecordPosition("t" * 249, 99_999, 2**63 - 1).header)
    dead_message(error, b"v" * 10**6, long, BARE_BYTES)


def test_a_dead_letter_of_a_small_topic_has_no_traceback() -> None:
    assert "makiserve.traceback" not in dead_message(failed(ValueError("x" * 10_000)), largest=3000)[2]


def test_headers_of_a_service_before_are_under_another_name() -> None:
    first = [("a", b"1"), ("makiserve.source", b"first[0]@1"), ("makiserve.model", b"first")]
    again: Headers = [("makiserve.upstream.source", b"older[0]@0"), *first, ("makiserve.redriven", b"1")]
    record = origin(cast("Message", message(0, 7, b"", cast("Any", again))))
    renamed = [("makiserve.upstream.source", b"first[0]@1"), ("makiserve.upstream.model", b"first")]
    assert record.headers == [("a", b"1"), *renamed, ("makiserve.redriven", b"1")]
    assert as_received(record.headers) == [*first, ("makiserve.redriven", b"1")]


def test_a_message_is_refused_for_its_size_and_for_want_of_a_key() -> None:
    small = Outgoing("out", 0, None, b"x" * 100, [("h", b"1")], 0)
    assert refusal(small, TopicLimits()) is None
    assert "out is compacted" in str(refusal(small, TopicLimits(needs_key=True)))
    assert refusal(replace(small, key=b""), TopicLimits(needs_key=True)) is None
    size = message_bytes(None, small.value, small.headers)
    assert refusal(small, TopicLimits(max_bytes=size)) is None
    assert f"has {size} bytes with its headers, but out accepts at most {size - 1}" in str(
        refusal(small, TopicLimits(size - 1))
    )


@pytest.mark.parametrize(("time_ms", "is_kept"), [(1, True), (0, False), (-1, False), (9, True), (10, False)])
def test_a_time_that_a_topic_refuses_is_replaced_and_kept_in_a_header(time_ms: int, *, is_kept: bool) -> None:
    expected = (time_ms, []) if is_kept else (5, [("makiserve.time", b"%d" % time_ms)])
    assert Times(0, 9, 5).fit(time_ms) == expected
