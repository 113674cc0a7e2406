"""A TCP proxy at a broker's advertised address, which can cut the network."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from types import TracebackType

BLOCK_BYTES = 65_536


class Proxy:
    """Forwards connections to a port of this machine. Within its context it runs in a separate thread.

    Attributes:
        port: the port that it listens on.
        target: the port that it forwards to; set it before the first connection.
    """

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.target = 0
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._is_open = asyncio.Event()
        self._is_open.set()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy-{self.port}", daemon=True)

    def cut(self) -> None:
        """Stop forwarding in both directions without closing connections, as if a cable were pulled."""
        self._loop.call_soon_threadsafe(self._is_open.clear)

    def restore(self) -> None:
        """Forward again, beginning with what was sent meanwhile."""
        self._loop.call_soon_threadsafe(self._is_open.set)

    def reset(self) -> None:
        """Break every connection, and accept new ones."""
        self._loop.call_soon_threadsafe(self._break)

    def __enter__(self) -> Proxy:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(asyncio.start_server(self._connect, sock=self._listener), self._loop).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._listener.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            broker_reader, broker_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:  # the broker is down, and so the client sees it
            writer.transport.abort()
            return
        pair = {writer, broker_writer}
        self._writers |= pair
        directions = [
            asyncio.create_task(self._pass(reader, broker_writer)),
            asyncio.create_task(self._pass(broker_reader, writer)),
        ]
        await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        for direction, end in zip(directions, pair, strict=True):
            direction.cancel()
            end.transport.abort()
        self._writers -= pair

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while block := await reader.read(BLOCK_BYTES):
                await self._is_open.wait()
                writer.write(block)
                await writer.drain()

    def _break(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _end(self) -> None:
        self._break()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
