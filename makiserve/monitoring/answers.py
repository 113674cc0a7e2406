"""The web server's responses, by path."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import NamedTuple

from makiserve.monitoring.board import Board
from makiserve.monitoring.health import Verdict
from makiserve.monitoring.page import PAGE, POLICY
from makiserve.monitoring.prometheus import CONTENT_TYPE, exposition
from makiserve.monitoring.request import Request
from makiserve.monitoring.status import status

HEADERS = {
    "Server": "makiserve",
    "Connection": "close",
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Answer(NamedTuple):
    """An HTTP response."""

    status: HTTPStatus
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()

    def to_bytes(self, *, has_body: bool = True) -> bytes:
        """Return the response as HTTP. Content-Length is that of the body, even without the body, as for HEAD."""
        headers = (
            *HEADERS.items(),
            *self.headers,
            ("Content-Type", self.content_type),
            ("Content-Length", str(len(self.body))),
            ("Date", _now()),
        )
        lines = [f"HTTP/1.1 {self.status.value} {self.status.phrase}"]
        lines += [f"{name}: {value}" for name, value in headers]
        head = "\r\n".join((*lines, "", "")).encode("latin-1")
        return head + self.body if has_body else head


def text(status: HTTPStatus, line: str, *headers: tuple[str, str]) -> Answer:
    """Return a response of one line of text."""
    return Answer(status, "text/plain; charset=utf-8", f"{line}\n".encode(), headers)


def _verdict(verdict: Verdict) -> Answer:
    return text(HTTPStatus.OK if verdict.is_good else HTTPStatus.SERVICE_UNAVAILABLE, verdict.reason)


PROBES: dict[str, Callable[[Board], Answer]] = {
    "/healthz": lambda board: _verdict(board.health()),
    "/readyz": lambda board: _verdict(board.readiness()),
}
"""Responses that take no time to make."""

PAGES: dict[str, Callable[[Board], Answer]] = {
    "/": lambda board: Answer(HTTPStatus.OK, "text/html; charset=utf-8", PAGE),
    "/status.json": lambda board: Answer(HTTPStatus.OK, "application/json", status(board)),
    "/metrics": lambda board: Answer(HTTPStatus.OK, CONTENT_TYPE, exposition(board)),
}


def refusal(request: Request, *, is_local: bool) -> Answer | None:
    """Return the response that refuses a request; None if the request is allowed.

    Args:
        request: a request to any path.
        is_local: whether the server listens on loopback. If so, the request must name this machine. A page of another
            site whose name resolves to this machine must not read what is meant for this machine alone.
    """
    if request.method not in ("GET", "HEAD"):
        return text(HTTPStatus.METHOD_NOT_ALLOWED, "read-only: GET or HEAD", ("Allow", "GET, HEAD"))
    if is_local and not _is_local_name(request.host):
        return text(HTTPStatus.FORBIDDEN, "this address is only available from this machine")
    if request.path not in PROBES and request.path not in PAGES:
        return text(HTTPStatus.NOT_FOUND, "not found; available: /, /status.json, /healthz, /readyz, /metrics")
    return None


def _is_local_name(host: str) -> bool:
    name, colon, port = host.rpartition(":")
    name = name if colon and port.isdigit() else host
    try:
        return name == "localhost" or ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def _now() -> str:
    return formatdate(usegmt=True)
