"""Outputs as CloudEvents: attributes that are passed on, or those of new events."""

from __future__ import annotations

from typing import Any

import pytest

from makiserve.kafka import Headers
from makiserve.serving.messages import RecordOrigin, origin
from makiserve.serving.output_events import OutputEvents
from makiserve.settings import ServeSettings
from tests.unit.serving.fakes import message

BINARY = [("ce_specversion", b"1.0"), ("ce_id", b"e1"), ("content-type", b"application/json"), ("trace", b"t")]


def headers_of(value: bytes, headers: Any, count: int = 1, **options: Any) -> list[Headers]:
    record = message(0, 7, value, headers)
    events = OutputEvents(ServeSettings("in", "out", "dead", **options))
    return [event.headers for event in events.origins([origin(record)] * count, [record] * count)]


def test_attributes_are_passed_on_with_the_content_type_of_the_output() -> None:
    (headers,) = headers_of(b"{}", BINARY, output_format="avro")
    assert headers == [
        ("trace", b"t"),
        ("ce_specversion", b"1.0"),
        ("ce_id", b"e1"),
        ("content-type", b"application/avro"),
    ]


def test_the_attributes_of_a_structured_event_become_headers() -> None:
    value = b'{"specversion": "1.0", "id": "e1", "datacontenttype": "application/json", "n": 1, "data": {}}'
    (headers,) = headers_of(value, [("content-type", b"application/cloudevents+json")])
    assert headers == [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"e1"),
        ("ce_n", b"1"),
        ("content-type", b"application/json"),
    ]


@pytest.mark.parametrize("headers", [[], [("content-type", b"application/json")], [("ce_other", b"1")]])
def test_record_that_is_not_an_event_keeps_its_headers(headers: Headers) -> None:
    assert headers_of(b"{}", headers) == [headers]


def test_new_events_have_ids_that_are_the_same_each_time() -> None:
    first, second = headers_of(b"{}", BINARY, 2, event_type="com.example.predicted")
    assert dict(first) == {
        "trace": b"t",
        "ce_specversion": b"1.0",
        "ce_id": b"in[0]@7/0",
        "ce_source": b"/makiserve/out",
        "ce_type": b"com.example.predicted",
        "ce_time": b"1970-01-01T00:00:01.007000Z",
        "content-type": b"application/json",
    }
    assert dict(second)["ce_id"] == b"in[0]@7/1"


def test_a_time_in_no_year_is_left_out() -> None:
    events = OutputEvents(ServeSettings("in", "out", "dead", event_type="t"))
    record = RecordOrigin(None, [], ("makiserve.source", b"in[0]@1"), 2**62)
    (event,) = events.origins([record], [message(0, 1, b"{}")])
    assert "ce_time" not in dict(event.headers)
