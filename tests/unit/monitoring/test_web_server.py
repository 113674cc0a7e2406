"""The web server, asked over HTTP."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
from collections.abc import Iterator
from contextlib import closing

import pytest

from makiserve.errors import ConfigurationError
from makiserve.monitoring import Address, Board, WebServer, address_from_text
from tests.loops import loop_over
from tests.unit.monitoring.example import lane, snapshot

FREE = Address("127.0.0.1", 0, is_default=False)


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def port(board: Board) -> Iterator[int]:
    with WebServer(board, FREE) as server:
        yield int(server.url.rstrip("/").rpartition(":")[2])


def ask(port: int, path: str, method: str = "GET", host: str = "localhost") -> tuple[int, http.client.HTTPMessage, str]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request(method, path, headers={"Host": f"{host}:{port}"})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()


def test_probes_answer_yes_or_no_with_the_reason(port: int, board: Board) -> None:
    assert ask(port, "/readyz")[0] == 503
    board.post("worker", snapshot(lanes=(lane(0, "restoring"),)))
    assert ask(port, "/healthz")[::2] == (200, "ok\n")
    status, _, reason = ask(port, "/readyz?verbose")
    assert (status, reason) == (503, "1 of 1 partitions are not restored yet, the first: house[0], restoring, 0%\n")
    board.post("worker", snapshot())
    assert ask(port, "/readyz")[::2] == (200, "serving 2 partitions\n")


def test_metrics_are_text_for_prometheus(port: int, board: Board) -> None:
    board.post("worker", snapshot())
    status, headers, text = ask(port, "/metrics")
    assert status == 200
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "makiserve_records_total 100.0\n" in text


def test_status_is_json_before_and_after_the_first_snapshot(port: int, board: Board) -> None:
    first = json.loads(ask(port, "/status.json")[2])
    assert first["now"] is None
    assert first["readiness"]["is_good"] is False
    board.post("worker", snapshot())
    second = json.loads(ask(port, "/status.json")[2])
    assert second["now"]["totals"]["records"] == 100
    assert second["batch"] == 50
    assert second["stages_s"] == {"decode": 0.001}


def test_page_is_self_contained_and_its_policy_strict(port: int) -> None:
    status, headers, page = ask(port, "/")
    assert status == 200
    policy = headers["Content-Security-Policy"]
    for tag, source in (("script", "script-src"), ("style", "style-src")):
        texts = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts]
        assert len(texts) == 1
        assert f"{source} 'sha256-{hashes[0]}';" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert not re.search(r'(src|href)="(?!data:|#|metrics|healthz|readyz|status\.json)', page)
    assert not re.search(r"<[^>]+ (on\w+|style)=", page)
    assert "innerHTML" not in page


def test_web_server_is_read_only(port: int) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        status, headers, _ = ask(port, "/", method)
        assert (status, headers["Allow"]) == (405, "GET, HEAD")
    status, headers, body = ask(port, "/healthz", "HEAD")
    assert (status, headers["Content-Length"], body) == (200, "17", "")


@pytest.mark.parametrize("path", ["/../../etc/passwd", "/page.py", "/nothing"])
def test_paths_of_files_are_not_found(port: int, path: str) -> None:
    status, _, text = ask(port, path)
    assert (status, text) == (404, "not found; available: /, /status.json, /healthz, /readyz, /metrics\n")


@pytest.mark.parametrize("host", ["example.org", "127.0.0.1.example.org", ""])
def test_foreign_host_header_is_refused(port: int, host: str) -> None:
    assert ask(port, "/status.json", host=host)[0] == 403


def test_default_port_in_use_falls_back_to_a_free_port() -> None:
    with WebServer(Board(), FREE) as first:
        taken = int(first.url.rstrip("/").rpartition(":")[2])
        with WebServer(Board(), Address("127.0.0.1", taken)) as second:
            assert second.url != first.url
        with pytest.raises(ConfigurationError, match=rf"--http 127.0.0.1:{taken}: Address already in use. Give"):
            WebServer(Board(), Address("127.0.0.1", taken, is_default=False))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (None, Address("127.0.0.1", 8080, is_default=True)),
        ("off", None),
        ("0.0.0.0:80", Address("0.0.0.0", 80, is_default=False)),
        ("[::1]:8080", Address("::1", 8080, is_default=False)),
        ("localhost:0", Address("localhost", 0, is_default=False)),
    ],
)
def test_addresses_are_hosts_and_ports(text: str | None, address: Address | None) -> None:
    assert address_from_text(text) == address


@loop_over("text", ["", "8080", ":8080", "localhost", "localhost:", "localhost:http", "localhost:65536"])
def test_text_that_is_not_an_address_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="expected HOST:PORT, such as"):
        address_from_text(text)


def test_address_of_another_machine_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"--http 192\.0\.2\.1:0: Cannot assign requested address"):
        WebServer(Board(), Address("192.0.2.1", 0, is_default=False))
