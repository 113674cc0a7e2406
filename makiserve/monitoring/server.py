"""The web server of the status page, health checks and metrics."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
import threading
from asyncio import StreamReader, StreamWriter
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from socket import AF_INET, AF_INET6, SO_REUSEADDR, SOL_SOCKET, socket
from types import TracebackType
from typing import Any, NamedTuple

from makiserve.errors import ConfigurationError
from makiserve.monitoring.answers import PAGES, PROBES, Answer, refusal, text
from makiserve.monitoring.board import Board
from makiserve.monitoring.request import MAX_HEAD_BYTES, BadRequest, Request, read_request

OFF = "off"


class Address(NamedTuple):
    """The address to listen on.

    Attributes:
        host: a host name or IP address.
        port: the port; 0 for any free one.
        is_default: whether the user did not choose it. If the port is taken, the server then uses another one.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    is_default: bool = True


def address_from_text(text: str | None) -> Address | None:
    """Return the address that `--http` gives; None if it is `off`.

    Args:
        text: `host:port` or `off`; None for the default address.

    Raises:
        ConfigurationError: the text is neither.
    """
    if text is None:
        return Address()
    if text == OFF:
        return None
    host, colon, port = text.rpartition(":")
    if not (host and colon and port.isascii() and port.isdigit() and int(port) < 2**16):
        raise ConfigurationError(f"--http {text}: expected HOST:PORT, such as 0.0.0.0:8080 or [::1]:8080, or {OFF}")
    return Address(host.strip("[]"), int(port), is_default=False)


logger = logging.getLogger(__name__)

MAX_CONNECTIONS = 64
HEAD_S = 5.0
"""Timeout for a client to send the head of its request."""

ANSWER_S = 10.0
"""Timeout for a client to read its response."""

SCRAP_BYTES = 64 * 1024


class WebServer:
    """A web server of a board, as a context manager.

    Raises:
        ConfigurationError: the server cannot listen on this address.
    """

    def __init__(self, board: Board, address: Address) -> None:
        self._board = board
        self._socket = _bound(address)
        self._is_local = ipaddress.ip_address(str(self._socket.getsockname()[0])).is_loopback
        self._open: dict[StreamWriter, None] = {}
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(_on_error)
        self._ended = asyncio.Event()
        self._pages = ThreadPoolExecutor(1, "web-pages")
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    @property
    def url(self) -> str:
        """The address of the status page."""
        host, port = self._socket.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/"

    def __enter__(self) -> WebServer:
        self._thread.start()
        logger.info("status page, health and metrics: %s", self.url)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._pages.shutdown(wait=False, cancel_futures=True)
            self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_server(
            self._connected, sock=self._socket, limit=MAX_HEAD_BYTES, backlog=MAX_CONNECTIONS
        )
        await self._ended.wait()
        self._loop.remove_reader(self._socket)
        await asyncio.sleep(0)  # lets a connection just accepted get its transport; a closed server would refuse that
        server.close()
        while clients := asyncio.all_tasks() - {asyncio.current_task()}:
            for writer in self._open:
                writer.transport.abort()
            await asyncio.wait(clients, timeout=0.1)

    async def _connected(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Answer one request. If there are too many connections, abort the oldest one."""
        if len(self._open) >= MAX_CONNECTIONS:
            oldest = next(iter(self._open))
            del self._open[oldest]
            oldest.transport.abort()
        self._open[writer] = None
        try:
            answer = await self._answer(reader)
            if answer:
                await asyncio.wait_for(_send(reader, writer, answer), ANSWER_S)
        except (OSError, asyncio.TimeoutError) as error:
            logger.debug("a client disconnected or timed out: %r", error)
        finally:
            self._open.pop(writer, None)
            writer.transport.abort()

    async def _answer(self, reader: StreamReader) -> bytes | None:
        """Return the response to the next request; None if the client closed the connection."""
        try:
            request = await asyncio.wait_for(read_request(reader), HEAD_S)
        except BadRequest as error:
            return text(error.status, str(error)).to_bytes()
        except asyncio.TimeoutError:
            return text(HTTPStatus.REQUEST_TIMEOUT, f"the request was not received within {HEAD_S:g} s").to_bytes()
        if request is None:
            return None
        answer = refusal(request, is_local=self._is_local) or await self._made(request)
        return answer.to_bytes(has_body=request.method != "HEAD")

    async def _made(self, request: Request) -> Answer:
        """Return the response to a valid request. Pages take milliseconds, so they are made on their own thread."""
        if request.path in PROBES:
            return PROBES[request.path](self._board)
        return await self._loop.run_in_executor(self._pages, PAGES[request.path], self._board)


async def _send(reader: StreamReader, writer: StreamWriter, answer: bytes) -> None:
    """Send a response and wait until the client has closed its side.

    Closing a connection with unread data would reset it, and the client could lose the response.
    """
    writer.write(answer)
    writer.write_eof()
    while await reader.read(SCRAP_BYTES):
        pass
    writer.close()
    await writer.wait_closed()


def _on_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log a connection's error: a bug as ERROR, a disconnected client as DEBUG."""
    error = context.get("exception")
    level = logging.DEBUG if error is None or isinstance(error, OSError) else logging.ERROR
    logger.log(level, "web server: %s", context["message"], exc_info=error)


def _bound(address: Address) -> socket:
    try:
        return _listening(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE and address.is_default:
            return _listening(address._replace(port=0))
        raise ConfigurationError(
            f"--http {address.host}:{address.port}: {error.strerror or error}. Give an address of this machine "
            "and a free port"
        ) from error


def _listening(address: Address) -> socket:
    listener = socket(AF_INET6 if ":" in address.host else AF_INET)
    try:
        listener.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        listener.bind((address.host, address.port))
        listener.listen(MAX_CONNECTIONS)
    except OSError:
        listener.close()
        raise
    return listener
