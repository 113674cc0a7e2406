"""The status of a running service compared with the records it wrote."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from axe_playwright_python.sync_playwright import Axe
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from playwright.sync_api import Browser, expect
from prometheus_client.parser import text_string_to_metric_families

from tests.browser import look
from tests.integration.serving.service import (
    Service,
    predictions,
    read,
    send,
    sources,
    traceparent,
    wait_until,
)
from tests.integration.serving.test_serving import steps

Topic = Callable[..., str]
Start = Callable[..., Service]


@pytest.fixture
def port() -> int:
    """Return a free port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def ask(port: int, path: str) -> tuple[int, str]:
    """Return the status and the text, or 0 if there is no answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def until(port: int, path: str, done: Callable[[int, str], bool]) -> str:
    """Ask until the answer is the one that is waited for."""
    answer = ask(port, path)

    def is_done() -> bool:
        nonlocal answer
        answer = ask(port, path)
        return done(*answer)

    wait_until(is_done, lambda: answer)
    return answer[1]


def samples(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_status_figures_equal_the_written_records(
    kafka: str, topic: Topic, service: Start, running_uri: str, port: int, browser: Browser
) -> None:
    input_, output, values = topic(2), topic(2), steps(600)
    values[5], values[9] = b"no json", b'{"number": 9, "value": 13}'
    running = service(running_uri, input_, output, "--http", f"127.0.0.1:{port}")
    until(port, "/healthz", lambda status, _: status == 200)  # while it loads the model
    until(port, "/readyz", lambda status, _: status == 200)
    send(kafka, input_, values[:400])
    send(kafka, input_, values[400:], partition=1)
    written = read(kafka, output, enough=598)
    metrics = samples(until(port, "/metrics", lambda _, text: "makiserve_records_total 600.0" in text))
    assert metrics["makiserve_outputs_total",] == sum(map(len, written.values())) == 598
    assert metrics["makiserve_dead_letters_total", "decode"] == metrics["makiserve_dead_letters_total", "operator"] == 1
    assert metrics["makiserve_batch_records_sum",] == 600
    assert metrics["makiserve_latency_seconds_count",] >= 2
    for stage in ("decode", "features", "predict", "publish", "commit"):
        assert metrics["makiserve_stage_seconds_count", stage] >= 1
    assert metrics["makiserve_partitions", "running"] == 2
    with look(browser, f"http://127.0.0.1:{port}/") as seen:
        expect(seen.page.get_by_role("status")).to_have_text("Serving")
        expect(seen.page.get_by_role("heading", level=1)).to_have_text("runningversion 1")
        expect(seen.page.locator("#lanes .chip.running")).to_have_count(2)
        expect(seen.page.locator("#lanes .n.extra").first).to_have_text("400")
        expect(seen.page.locator("#dead")).to_contain_text("decode1")
        expect(seen.page.locator("#dead-last")).to_contain_text("[0]@5")
        shown = seen.page.locator("#predictions tr").first
        last = {
            f"[{number}]@{sources(messages)[-1]}": predictions(messages)[-1] for number, messages in written.items()
        }
        cells = shown.locator("td").all_inner_texts()
        assert json.loads(cells[-1]) == last[cells[0]]
        assert [violation["id"] for violation in Axe().run(seen.page).response["violations"]] == []
    assert seen.complaints == []
    code, log = running.stop()
    assert code == 0
    assert f"status page, health and metrics: http://127.0.0.1:{port}/" in log


def test_supervisor_merges_the_status_of_its_workers(
    kafka: str, topic: Topic, service: Start, running_uri: str, port: int
) -> None:
    input_, output = topic(4), topic(4)
    service(running_uri, input_, output, "--http", f"127.0.0.1:{port}", "--workers", "2")
    until(port, "/readyz", lambda status, _: status == 200)
    for number in range(4):
        send(kafka, input_, steps(50), partition=number)
    read(kafka, output, enough=200)
    metrics = samples(until(port, "/metrics", lambda _, text: "makiserve_records_total 200.0" in text))
    assert {key[1] for key in metrics if key[0] == "makiserve_loop_age_seconds"} == {"worker 1", "worker 2"}
    until(port, "/readyz", lambda _, text: text == "serving 4 partitions\n")


def test_configured_address_in_use_is_refused(kafka: str, topic: Topic, service: Start, running_uri: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, log = service(running_uri, topic(1), topic(1), "--http", f"127.0.0.1:{port}").wait()
    assert code == 2
    assert f"--http 127.0.0.1:{port}: Address already in use" in log.splitlines()[-1]


class Collector(HTTPServer):
    """Takes what OpenTelemetry's exporter sends."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Take)
        self.requests: list[ExportTraceServiceRequest] = []


class Take(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = Thread(target=server.serve_forever, args=(0.1,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_trace_context_passes_through_the_service(
    kafka: str, topic: Topic, service: Start, running_uri: str, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server_address[1]}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    input_, output = topic(1), topic(1)
    running = service(running_uri, input_, output, "--http", "off")
    send(kafka, input_, steps(3))
    written = read(kafka, output, enough=3)[0]
    assert [dict(message.headers())["traceparent"] for message in written] == list(map(traceparent, range(3)))
    code, log = running.stop()
    assert (code, "status page" in log) == (0, False)
    resources = [resource for request in collector.requests for resource in request.resource_spans]
    names = {attribute.key: attribute.value.string_value for attribute in resources[0].resource.attributes}
    assert names["service.name"] == "makiserve"
    spans = [span for resource in resources for scope in resource.scope_spans for span in scope.spans]
    batches = [span for span in spans if span.name == "makiserve score"]
    linked = [(link.trace_id.hex(), link.span_id.hex()) for span in batches for link in span.links]
    assert linked == [(f"{number:032x}", f"{number:016x}") for number in (1, 2, 3)]
    committed = [link.span_id for span in spans if span.name == "makiserve commit" for link in span.links]
    assert committed == [span.span_id for span in batches]
