"""OpenTelemetry tracing: a span for each batch and each commit, linked to the traces in the record headers.

Only this module uses OpenTelemetry's API to make spans. They are made after the fact, from times that are measured
anyway. A thread of the SDK exports them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice

from opentelemetry import trace
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanContext, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from makiserve.errors import ConfigurationError
from makiserve.kafka import Message, read_headers
from makiserve.monitoring.snapshot import Service
from makiserve.version import __version__

MAX_LINKS = 64
"""Maximum number of links per span, to the records of a batch or the batches of a commit. OpenTelemetry keeps 128 by
default."""

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


class Tracing:
    """Makes the spans of a worker.

    Args:
        provider: receives the spans.
        served: the service that the spans describe.
    """

    def __init__(self, provider: TracerProvider, served: Service) -> None:
        self._tracer = provider.get_tracer("makiserve", __version__)
        self._carrier = TraceContextTextMapPropagator()
        self._batches: list[Link] = []
        self._facts: dict[str, str | int] = {
            "messaging.system": "kafka",
            "messaging.destination.name": served.input,
            "messaging.consumer.group.name": served.group,
            "makiserve.model": served.name or served.uri,
            "makiserve.version": served.version,
        }

    def batch(self, messages: Sequence[Message], seconds: float) -> None:
        """Emit the span of a batch that took this many seconds."""
        links = [Link(context) for context in islice(self._contexts(messages), MAX_LINKS)]
        facts = self._facts | {"messaging.operation.type": "process", "messaging.batch.message_count": len(messages)}
        context = self._span("score", seconds, SpanKind.CONSUMER, links, facts)
        if len(self._batches) < MAX_LINKS:
            self._batches.append(Link(context))

    def commit(self, seconds: float) -> None:
        """Emit the span of a commit that took this many seconds."""
        self._span("commit", seconds, SpanKind.CLIENT, self._batches, self._facts)
        self._batches = []

    def abort(self) -> None:
        """Forget the batches since the last commit, which are scored again."""
        self._batches = []

    def _span(
        self, name: str, seconds: float, kind: SpanKind, links: Sequence[Link], facts: Mapping[str, str | int]
    ) -> SpanContext:
        end = time.time_ns()
        span = self._tracer.start_span(
            f"makiserve {name}",
            context=trace.set_span_in_context(trace.INVALID_SPAN),
            kind=kind,
            attributes=facts,
            links=links,
            start_time=end - int(seconds * 1e9),
        )
        span.end(end)
        return span.get_span_context()

    def _contexts(self, messages: Sequence[Message]) -> Iterator[SpanContext]:
        """Yield the trace contexts in the record headers; damaged headers are ignored."""
        for message in messages:
            carried = {
                name: value.decode(errors="replace")
                for name, value in read_headers(message).headers
                if name in ("traceparent", "tracestate") and value is not None
            }
            if "traceparent" in carried:
                context = trace.get_current_span(self._carrier.extract(carried)).get_span_context()
                if context.is_valid:
                    yield context


@contextmanager
def tracing() -> Iterator[TracerProvider | None]:
    """Provide a tracer provider for the endpoint in OpenTelemetry's environment variables; None if none is set.

    Raises:
        ConfigurationError: an endpoint is set, and the exporter is not installed.
    """
    if not any(map(os.environ.get, ENDPOINTS)):
        yield None
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise ConfigurationError(
            f"{' or '.join(ENDPOINTS)} is set, but the exporter is not installed: pip install 'makiserve[otel]', "
            "or unset the variable"
        ) from error
    attributes = {SERVICE_NAME: os.environ.get("OTEL_SERVICE_NAME", "makiserve"), SERVICE_VERSION: __version__}
    provider = TracerProvider(resource=Resource.create(attributes), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    try:
        yield provider
    finally:
        provider.shutdown()
