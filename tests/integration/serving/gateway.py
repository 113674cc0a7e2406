"""A gateway in front of a real schema registry, which can refuse, answer nonsense, or not answer at all."""

from __future__ import annotations

import base64
import http.client
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from makiserve.testing.broker import RegistryServer

FAULTS: dict[str, tuple[int, dict[str, str], bytes]] = {
    "401": (401, {"WWW-Authenticate": "Basic"}, b"no"),
    "404 of another server": (404, {}, b"<html>no such page"),
    "409": (409, {}, b'{"message": "busy"}'),
    "429": (429, {"Retry-After": "1"}, b""),
    "503": (503, {}, b"<html>down"),
    "a page": (200, {}, b"<html>sign in"),
    "other JSON": (200, {}, b'{"schema": "\\"int\\"", "references": [7]}'),
    "a list": (200, {}, b"[1]"),
    "silence": (0, {}, b""),
}
"""The status, headers and body of each wrong answer; no status for none at all."""


class Gateway:
    """A gateway.

    Attributes:
        url: the address of Confluent's API behind it.
        fault: one of `FAULTS`, for all requests; None to pass them on.
        refused: the number of requests that were not passed on.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.fault: str | None = None
        self.refused = 0
        self.healed = threading.Event()

    def fail(self, fault: str) -> None:
        """Answer all requests wrongly from now on."""
        self.healed.clear()
        self.fault, self.refused = fault, 0

    def heal(self) -> None:
        """Pass all requests on from now on."""
        self.fault = None
        self.healed.set()


@contextmanager
def gateway(
    registry: RegistryServer, credentials: str | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[Gateway]:
    """Start a gateway on a free port.

    Args:
        registry: the real registry.
        credentials: `USER:PASSWORD` that each request must have; None for any.
        tls: the certificates; None for plain HTTP.
    """
    real = urlsplit(registry.url)
    expected = credentials and "Basic " + base64.b64encode(credentials.encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            fault = running.fault
            if expected and self.headers["Authorization"] != expected:
                fault = "401"
            if fault is None:
                self._answer(*self._passed_on())
                return
            running.refused += 1
            status, headers, body = FAULTS[fault]
            if status:
                self._answer(status, headers, body)
            else:
                running.healed.wait()  # the connection ends without an answer

        do_POST = do_GET

        def _passed_on(self) -> tuple[int, dict[str, str], bytes]:
            connection = http.client.HTTPConnection(str(real.hostname), real.port, timeout=60)
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            connection.request(self.command, self.path, body, {"Content-Type": "application/json"})
            with connection.getresponse() as answer:
                passed = answer.status, {"Content-Type": answer.headers["Content-Type"]}, answer.read()
            connection.close()
            return passed

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        running = Gateway(f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}{real.path}")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield running
        finally:
            running.heal()
            server.shutdown()
            thread.join()
