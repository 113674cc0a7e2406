"""The last outputs and dead letters, as people read them."""

from __future__ import annotations

from collections import deque

from makiserve.errors import RecordError
from makiserve.kafka import Message
from makiserve.serving.publisher import Published
from makiserve.web.merge import SHOWN
from makiserve.web.snapshot import DeadLetter, Prediction

MOST_CHARACTERS = 120


class Recent:
    """Keeps the last twenty of each; they become text when somebody looks."""

    def __init__(self) -> None:
        self._published: deque[tuple[Message, bytes]] = deque(maxlen=SHOWN)
        self._dead: deque[tuple[Message, RecordError]] = deque(maxlen=SHOWN)

    def add(self, messages: list[Message], published: Published) -> None:
        """Look at the end of a batch."""
        last = zip(published.causes[-SHOWN:], published.values[-SHOWN:], strict=True)
        self._published.extend((messages[cause], value) for cause, value in last)
        self._dead.extend((messages[cause], error) for cause, error in published.dead[-SHOWN:])

    @property
    def predictions(self) -> tuple[Prediction, ...]:
        """The last outputs, the oldest first."""
        return tuple(_prediction(message, value) for message, value in self._published)

    @property
    def dead_letters(self) -> tuple[DeadLetter, ...]:
        """The last dead letters, the oldest first."""
        return tuple(_dead_letter(message, error) for message, error in self._dead)


def _prediction(message: Message, value: bytes) -> Prediction:
    time_ms = message.timestamp()[1]
    return Prediction(message.partition(), message.offset(), time_ms, _text(message.key() or b""), _text(value))


def _dead_letter(message: Message, error: RecordError) -> DeadLetter:
    time_ms = message.timestamp()[1]
    return DeadLetter(message.partition(), message.offset(), time_ms, error.reason, _short(str(error)))


def _text(value: bytes) -> str:
    return _short(value[: 4 * MOST_CHARACTERS].decode(errors="replace"))


def _short(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"
