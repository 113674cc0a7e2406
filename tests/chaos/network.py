"""A TCP proxy that stands at a broker's advertised address: the network, and a knife to cut it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from types import TracebackType

BLOCK_BYTES = 65_536


class Proxy:
    """Passes connections on to a port of this machine; as a context manager it runs in a thread of its own.

    Attributes:
        port: where it listens.
        target: the port that it leads to; set it before the first connection comes.
    """

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.target = 0
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._passes = asyncio.Event()
        self._passes.set()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy-{self.port}", daemon=True)

    def cut(self) -> None:
        """From now on nothing passes, in either direction, and nobody is told: as if a cable were pulled."""
        self._loop.call_soon_threadsafe(self._passes.clear)

    def heal(self) -> None:
        """What was sent meanwhile arrives now, as TCP has it."""
        self._loop.call_soon_threadsafe(self._passes.set)

    def reset(self) -> None:
        """Breaks every connection; new ones are welcome."""
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
            there, onward = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:  # the broker is down: so it looks from the other side, too
            writer.transport.abort()
            return
        pair = {writer, onward}
        self._writers |= pair
        ways = [asyncio.create_task(self._pass(reader, onward)), asyncio.create_task(self._pass(there, writer))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way, end in zip(ways, pair, strict=True):
            way.cancel()
            end.transport.abort()
        self._writers -= pair

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while block := await reader.read(BLOCK_BYTES):
                await self._passes.wait()
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
