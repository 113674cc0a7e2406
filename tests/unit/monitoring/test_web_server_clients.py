"""Clients that are slow, rude or many: a probe is answered all the same, and every place comes back."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest

from makiserve.monitoring import Address, Board, WebServer, answers, server
from makiserve.monitoring.answers import Answer
from makiserve.monitoring.request import MAX_HEAD_BYTES, Request, parse_request
from tests.unit.monitoring.example import lane, snapshot

PATIENCE_S = 60
MANY_LANES = tuple(lane(number, topic="a-topic-with-a-long-name") for number in range(20_000))


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def port(board: Board) -> Iterator[int]:
    with WebServer(board, Address("127.0.0.1", 0, is_default=False)) as serving:
        yield int(serving.url.rstrip("/").rpartition(":")[2])


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)


def exchange(port: int, request: bytes) -> bytes:
    """Return what the server sends until it closes the connection."""
    with connect(port) as connection:
        connection.sendall(request)
        return rest(connection)


def rest(connection: socket.socket) -> bytes:
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionError:
        pass  # a reset ends it, too
    return received


def probe(port: int, path: str = "/healthz") -> int:
    with closing(http.client.HTTPConnection("localhost", port, timeout=PATIENCE_S)) as connection:
        connection.request("GET", path)
        with connection.getresponse() as answer:
            answer.read()
            return answer.status


@contextmanager
def dripping(connections: list[socket.socket], pause_s: float = 0.05) -> Iterator[None]:
    """Send a byte on each connection again and again."""
    ended = threading.Event()

    def drip() -> None:
        for connection in connections:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ")
        while not ended.wait(pause_s):
            for connection in list(connections):
                try:
                    connection.sendall(b"x")
                except OSError:
                    connections.remove(connection)

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_probes_are_answered_while_slow_clients_fill_the_server(port: int) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(connect(port)) for _ in range(server.MAX_CONNECTIONS + 20)]
        with dripping(slow):
            assert [probe(port) for _ in range(30)] == [200] * 30
            assert probe(port, "/metrics") == 200


def test_silent_clients_do_not_block_others(port: int) -> None:
    with ExitStack() as stack:
        for _ in range(server.MAX_CONNECTIONS + 20):
            stack.enter_context(connect(port))
        assert probe(port) == 200


def test_the_oldest_connection_gives_up_its_place(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 2)
    with WebServer(board, Address("127.0.0.1", 0, is_default=False)) as serving:
        port = int(serving.url.rstrip("/").rpartition(":")[2])
        with connect(port) as first, connect(port) as second:
            assert probe(port) == 200
            assert rest(first) == b""
            second.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert rest(second).startswith(b"HTTP/1.1 200 OK\r\n")


def test_incomplete_request_head_times_out(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEAD_S", 0.2)
    monkeypatch.setattr(server, "ANSWER_S", 0.2)
    with connect(port) as slow, dripping([slow], pause_s=0.02):
        assert rest(slow).startswith(b"HTTP/1.1 408 Request Timeout\r\n")


def test_an_answer_that_is_not_read_is_given_up(port: int, board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "ANSWER_S", 0.2)
    board.post("worker", snapshot(lanes=MANY_LANES))
    whole = exchange(port, b"GET /status.json HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert whole.endswith(b"}")
    lost = threading.Event()
    send = server._send

    async def noted(*given: object) -> None:
        try:
            await send(*given)  # type: ignore[arg-type]
        except BaseException:
            lost.set()
            raise

    monkeypatch.setattr(server, "_send", noted)
    with socket.socket() as lazy:
        lazy.settimeout(PATIENCE_S)
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.connect(("127.0.0.1", port))
        lazy.sendall(b"GET /status.json HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert lost.wait(PATIENCE_S)
        assert len(rest(lazy)) < len(whole)


def test_a_probe_does_not_wait_for_a_page(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, ended = threading.Event(), threading.Event()

    def slow_page(board: Board) -> Answer:
        begun.set()
        ended.wait(PATIENCE_S)
        raise AssertionError

    monkeypatch.setitem(answers.PAGES, "/metrics", slow_page)
    with connect(port) as client:
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert begun.wait(PATIENCE_S)
        assert probe(port) == 200
    ended.set()


def test_the_server_ends_with_clients_connected(board: Board) -> None:
    with WebServer(board, Address("127.0.0.1", 0, is_default=False)) as serving:
        client = connect(int(serving.url.rstrip("/").rpartition(":")[2]))
    assert rest(client) == b""
    client.close()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /healthz HTTP/1.0\nHost: localhost\n\n", b"200 OK"),
        (b"GET http://localhost/healthz?verbose HTTP/1.1\r\nHost: localhost\r\n\r\n", b"200 OK"),
        (b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", b"405 Method Not Allowed"),
        (b"BREW /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", b"405 Method Not Allowed"),
        (b"\r\n", b"400 Bad Request"),
        (b"GET /healthz\r\n\r\n", b"400 Bad Request"),
        (b"GET /healthz HTTP/2.0\r\n\r\n", b"400 Bad Request"),
        (b"GET http://[ HTTP/1.1\r\n\r\n", b"400 Bad Request"),
        (b"\x16\x03\x01\x02\x00\n\r\n", b"400 Bad Request"),  # a client that speaks TLS
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", b"431 Request Header Fields Too Large"),
        (b"GET / HTTP/1.1\r\nA: " + b"b" * MAX_HEAD_BYTES + b"\r\n\r\n", b"431 Request Header Fields Too Large"),
        (b"GET / HTTP/1.1\r\n" + b"A: bbbbbbbbbbbb\r\n" * 2000, b"431 Request Header Fields Too Large"),
    ],
)
def test_every_head_gets_one_answer(port: int, request_bytes: bytes, status: bytes) -> None:
    answer = exchange(port, request_bytes)
    assert answer.startswith(b"HTTP/1.1 " + status + b"\r\n")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_only_the_first_pipelined_request_is_answered(port: int) -> None:
    answer = exchange(port, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3)
    assert answer.count(b"HTTP/1.1 200 OK") == 1
    assert b"Connection: close\r\n" in answer


def test_client_with_a_large_body_gets_its_answer(port: int) -> None:
    body = b"x" * 5_000_000
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert exchange(port, head + body).startswith(b"HTTP/1.1 405 Method Not Allowed\r\n")


def test_half_closed_client_gets_its_answer(port: int) -> None:
    with connect(port) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        client.shutdown(socket.SHUT_WR)
        assert rest(client).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_head_has_a_method_a_path_and_a_host() -> None:
    lines = [b"GET /a/b?c HTTP/1.1\r\n", b"host:  example.org:80 \r\n"]
    assert parse_request(lines) == Request("GET", "/a/b", "example.org:80")
