"""The web server: five read-only answers, in threads of their own. Decision 0060."""

from __future__ import annotations

import errno
import ipaddress
import logging
import sys
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET, AF_INET6, socket
from socketserver import TCPServer
from types import TracebackType
from typing import Any, NamedTuple

from makiserve.errors import ConfigurationError
from makiserve.web.address import Address
from makiserve.web.board import Board
from makiserve.web.health import Verdict
from makiserve.web.page import PAGE, POLICY
from makiserve.web.prometheus import CONTENT_TYPE, exposition
from makiserve.web.status import status

logger = logging.getLogger(__name__)

TEXT = "text/plain; charset=utf-8"
MOST_CONNECTIONS = 32
PATIENCE_S = 5.0
"""How long a client may be silent before its connection is closed."""

CLOSE_S = 0.1
"""How often the server looks whether it is to end."""

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Answer(NamedTuple):
    """What a path answers with."""

    status: HTTPStatus
    content_type: str
    body: bytes


class WebServer:
    """Serves a board for as long as it is entered.

    Raises:
        ConfigurationError: nothing can be bound there.
    """

    def __init__(self, board: Board, address: Address) -> None:
        self._server = _bound(board, address)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(CLOSE_S,), name="web", daemon=True)

    @property
    def url(self) -> str:
        """Where the status page is."""
        host, port = self._server.server_address[:2]
        name = str(host)
        return f"http://{f'[{name}]' if ':' in name else name}:{port}/"

    def __enter__(self) -> WebServer:
        self._thread.start()
        logger.info("status page, health and metrics: %s", self.url)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = MOST_CONNECTIONS

    def __init__(self, board: Board, address: Address) -> None:
        self.address_family = AF_INET6 if ":" in address.host else AF_INET
        self.board = board
        self.free = threading.BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__((address.host, address.port), _Handler)
        self.is_local = ipaddress.ip_address(str(self.server_address[0])).is_loopback

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # http.server's asks the name service for a name that nobody needs

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self.free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.free.release()

    def handle_error(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:
        """A client that went away is nobody's trouble; the reason is for who looks for it."""
        logger.debug("a request of %s failed: %r", client_address, sys.exc_info()[1])


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = PATIENCE_S

    def do_GET(self) -> None:
        self._send(self._answer(), has_body=True)

    def do_HEAD(self) -> None:
        self._send(self._answer(), has_body=False)

    def _refuse(self) -> None:
        self._send(_text(HTTPStatus.METHOD_NOT_ALLOWED, "read-only: GET or HEAD"), has_body=True)

    do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _refuse  # noqa: N815  http.server's names

    def _answer(self) -> Answer:
        if self.server.is_local and not _is_local_name(self.headers.get("Host", "")):
            # A page of somebody else's whose name resolves to this machine must not read what is for this machine.
            return _text(HTTPStatus.FORBIDDEN, "this address is for this machine alone")
        answer = ANSWERS.get(self.path.partition("?")[0])
        if answer is None:
            return _text(HTTPStatus.NOT_FOUND, f"there is {', '.join(ANSWERS)}")
        return answer(self.server.board)

    def _send(self, answer: Answer, *, has_body: bool) -> None:
        self.send_response(answer.status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        if answer.status is HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if has_body:
            self.wfile.write(answer.body)

    def version_string(self) -> str:
        return "makiserve"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  as in the base class
        """Says nothing: probes ask every few seconds."""


ANSWERS: dict[str, Callable[[Board], Answer]] = {
    "/": lambda board: Answer(HTTPStatus.OK, "text/html; charset=utf-8", PAGE),
    "/status.json": lambda board: Answer(HTTPStatus.OK, "application/json", status(board)),
    "/healthz": lambda board: _verdict(board.health()),
    "/readyz": lambda board: _verdict(board.readiness()),
    "/metrics": lambda board: Answer(HTTPStatus.OK, CONTENT_TYPE, exposition(board)),
}


def _bound(board: Board, address: Address) -> _Server:
    try:
        return _Server(board, address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE and address.is_default:
            return _Server(board, address._replace(port=0))
        raise ConfigurationError(
            f"--http {address.host}:{address.port}: {error.strerror or error}: give an address of this machine and a "
            "free port"
        ) from error


def _verdict(verdict: Verdict) -> Answer:
    return _text(HTTPStatus.OK if verdict.is_good else HTTPStatus.SERVICE_UNAVAILABLE, verdict.reason)


def _text(status: HTTPStatus, line: str) -> Answer:
    return Answer(status, TEXT, f"{line}\n".encode())


def _is_local_name(host: str) -> bool:
    name, colon, port = host.rpartition(":")
    name = name if colon and port.isdigit() else host
    try:
        return name == "localhost" or ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False
