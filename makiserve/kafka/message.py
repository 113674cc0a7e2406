"""A received message, typed as it is at run time: the binding's stubs make everything optional."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, cast

from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, TIMESTAMP_NOT_AVAILABLE

Headers = list[tuple[str, "bytes | None"]]

LOG_APPEND_TIME: int = TIMESTAMP_LOG_APPEND_TIME
NO_TIME: int = TIMESTAMP_NOT_AVAILABLE
"""Kinds of timestamp."""


class Message(Protocol):
    """An input record without an error. Read its headers only with `read_headers`."""

    def topic(self) -> str: ...
    def partition(self) -> int: ...
    def offset(self) -> int: ...
    def key(self) -> bytes | None: ...
    def value(self) -> bytes | None: ...
    def timestamp(self) -> tuple[int, int]:
        """Return the kind of timestamp, which may be `NO_TIME`, and milliseconds since 1970."""


@dataclass(frozen=True)
class Unreadable:
    """A record of a batch that is damaged or cannot be decompressed. Only its position is known.

    Attributes:
        trouble: the client's error message.
    """

    _topic: str
    _partition: int
    _offset: int
    trouble: str

    def error(self) -> None:
        """Return None, as a record does."""

    def topic(self) -> str:
        return self._topic

    def partition(self) -> int:
        return self._partition

    def offset(self) -> int:
        return self._offset

    def key(self) -> None:
        """Unknown."""

    def value(self) -> None:
        """Unknown."""

    def headers(self) -> None:
        """Unknown."""

    def timestamp(self) -> tuple[int, int]:
        """Return an unknown time. A message that is produced with time 0 gets the time of its production."""
        return NO_TIME, 0


class ReadHeaders(NamedTuple):
    """The headers of a message.

    Attributes:
        headers: the name and value of each. The value is None if the header has none.
        dropped: how many headers are left out because their name is not UTF-8.
    """

    headers: Headers
    dropped: int


NO_HEADERS = ReadHeaders([], 0)


def read_headers(message: Message) -> ReadHeaders:
    """Return the readable headers of a message, whatever bytes the names consist of.

    Kafka takes any bytes as a header's name; confluent_kafka has only text. Given a name that is not UTF-8, it raises
    SystemError and keeps a list with holes, in which touching a name ends the process. `gc.get_referents` steps over
    the holes. The message keeps only its readable headers, so a second call is safe and counts nothing again.
    """
    unsafe = cast("Any", message)
    try:
        headers = unsafe.headers()
        return ReadHeaders(headers, 0) if headers else NO_HEADERS
    except (SystemError, UnicodeDecodeError):
        pass
    try:
        headers = unsafe.headers() or []
    except (SystemError, UnicodeDecodeError):
        headers = []
    # get_referents lists a tuple from its end: the value, then the name unless it is a hole.
    parts = [gc.get_referents(header) for header in headers]
    readable: Headers = [(part[1], part[0]) for part in parts if len(part) == 2]
    unsafe.set_headers(readable)
    return ReadHeaders(readable, len(headers) - len(readable))
