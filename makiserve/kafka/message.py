"""A received message, with the types that it really has: the binding's stubs make everything optional."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, TIMESTAMP_NOT_AVAILABLE

LOG_APPEND_TIME: int = TIMESTAMP_LOG_APPEND_TIME
NO_TIME: int = TIMESTAMP_NOT_AVAILABLE
"""Kinds of timestamp."""


class Message(Protocol):
    """A record of the input that carries no error."""

    def topic(self) -> str: ...
    def partition(self) -> int: ...
    def offset(self) -> int: ...
    def key(self) -> bytes | None: ...
    def value(self) -> bytes | None: ...
    def headers(self) -> list[tuple[str, bytes]] | None: ...
    def timestamp(self) -> tuple[int, int]:
        """The kind of timestamp, which may be `NO_TIME`, and milliseconds since 1970."""


@dataclass(frozen=True)
class Unreadable:
    """Stands for a record of a batch that cannot be decompressed, or is damaged: all that is known is where it is.

    Attributes:
        trouble: what the client says of it.
    """

    _topic: str
    _partition: int
    _offset: int
    trouble: str

    def error(self) -> None:
        """It is handed out like a record."""

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
        """Unknown: a message that is produced with 0 is given the time of its production."""
        return NO_TIME, 0
