"""Spans of batches and commits, kept in memory."""

from __future__ import annotations

import sys

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from makiserve.errors import ConfigurationError
from makiserve.serving.telemetry.tracing import MAX_LINKS, Tracing, tracing
from tests.unit.monitoring.example import SERVICE
from tests.unit.serving.fakes import message


@pytest.fixture
def exported() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def traced(exported: InMemorySpanExporter) -> Tracing:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exported))
    return Tracing(provider, SERVICE)


def carried(number: int) -> list[tuple[str, bytes]]:
    return [("other", b"x"), ("traceparent", b"00-%032x-%016x-01" % (number, number + 1))]


def test_a_batch_links_to_the_traces_of_its_records(traced: Tracing, exported: InMemorySpanExporter) -> None:
    traced.batch([message(0, 0, b"{}", carried(7)), message(0, 1, b"{}"), message(1, 0, b"{}", carried(8))], 0.5)
    (span,) = exported.get_finished_spans()
    assert (span.name, span.kind, span.parent) == ("makiserve score", SpanKind.CONSUMER, None)
    assert [(link.context.trace_id, link.context.span_id) for link in span.links] == [(7, 8), (8, 9)]
    assert span.end_time - span.start_time == 500_000_000
    assert dict(span.attributes) == {
        "messaging.system": "kafka",
        "messaging.destination.name": "house",
        "messaging.consumer.group.name": "makiserve.house.predictions",
        "messaging.operation.type": "process",
        "messaging.batch.message_count": 3,
        "makiserve.model": "house",
        "makiserve.version": "3",
    }


def test_a_commit_links_to_its_batches(traced: Tracing, exported: InMemorySpanExporter) -> None:
    for number in range(2):
        traced.batch([message(0, number, b"{}")], 0.1)
    traced.commit(0.2)
    traced.commit(0.2)
    first, second, commit, empty = exported.get_finished_spans()
    assert [link.context.span_id for link in commit.links] == [first.context.span_id, second.context.span_id]
    assert commit.name == "makiserve commit"
    assert not empty.links


def test_rewound_batch_is_in_no_commit_span(traced: Tracing, exported: InMemorySpanExporter) -> None:
    traced.batch([message(0, 0, b"{}")], 0.1)
    traced.abort()
    traced.commit(0.2)
    assert not exported.get_finished_spans()[-1].links


def test_links_are_bounded(traced: Tracing, exported: InMemorySpanExporter) -> None:
    for _ in range(MAX_LINKS + 5):
        traced.batch([message(0, number, b"{}", carried(number + 1)) for number in range(MAX_LINKS + 5)], 0.1)
    traced.commit(0.2)
    assert {len(span.links) for span in exported.get_finished_spans()} == {MAX_LINKS}


@pytest.mark.parametrize("value", [b"", b"garbage", b"\xff\xfe", b"00-0-0-01", None])
def test_damaged_trace_header_is_ignored(traced: Tracing, exported: InMemorySpanExporter, value: bytes | None) -> None:
    traced.batch([message(0, 0, b"{}", [("traceparent", value)])], 0.1)
    assert not exported.get_finished_spans()[0].links


def test_nothing_is_traced_unless_there_is_where_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", raising=False)
    with tracing() as tracer:
        assert tracer is None


def test_an_endpoint_without_an_exporter_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'makiserve\[otel\]'"), tracing():
        pass
