"""The head of an HTTP request: reading it with a size limit, and parsing it."""

from __future__ import annotations

from asyncio import IncompleteReadError, LimitOverrunError, StreamReader
from http import HTTPStatus
from http.client import HTTPException, parse_headers
from io import BytesIO
from typing import NamedTuple
from urllib.parse import urlsplit

MAX_HEAD_BYTES = 16 * 1024
END_OF_HEAD = (b"\r\n", b"\n")


class BadRequest(Exception):
    """A request that cannot be answered.

    Attributes:
        status: the status of the response.
    """

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Request(NamedTuple):
    """The parts of a request that the server uses.

    Attributes:
        method: in capitals, as the client sent it.
        path: the path without the query.
        host: the `Host` header; empty if there is none.
    """

    method: str
    path: str
    host: str


async def read_request(reader: StreamReader) -> Request | None:
    """Read the head of a request; None if the client closes the connection before the head is complete.

    Args:
        reader: its limit is the maximum length of a line.

    Raises:
        BadRequest: the head is too large or is not HTTP.
    """
    lines: list[bytes] = []
    left = MAX_HEAD_BYTES
    try:
        while (line := await reader.readuntil(b"\n")) not in END_OF_HEAD:
            left -= len(line)
            if left < 0:
                raise _too_large()
            lines.append(line)
    except IncompleteReadError:
        return None
    except LimitOverrunError as error:
        raise _too_large() from error
    return parse_request(lines)


def parse_request(lines: list[bytes]) -> Request:
    """Parse the request line and the headers.

    Args:
        lines: the lines with their line ends, without the empty line that ends the head.

    Raises:
        BadRequest: the lines are not HTTP.
    """
    words = lines[0].decode("latin-1").split() if lines else []
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadRequest(HTTPStatus.BAD_REQUEST, "expected METHOD PATH HTTP/1.1")
    try:
        path = urlsplit(words[1]).path
        headers = parse_headers(BytesIO(b"".join(lines[1:]) + b"\r\n"))
    except ValueError as error:
        raise BadRequest(HTTPStatus.BAD_REQUEST, str(error)) from error
    except HTTPException as error:
        raise BadRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, str(error)) from error
    return Request(words[0], path, headers.get("Host", "").strip())


def _too_large() -> BadRequest:
    return BadRequest(
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"the head of a request is limited to {MAX_HEAD_BYTES:,} bytes"
    )
