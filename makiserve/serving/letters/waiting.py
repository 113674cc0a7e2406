"""The dead letters that wait in a topic: those that nobody has put back."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from makiserve.kafka import Cluster, Connection, Message, SpanReader, spans
from makiserve.serving.letters.letter import DeadLetter, letter_from_message


@dataclass(frozen=True)
class Waiting:
    """Which letters to look at.

    Attributes:
        topic: of dead letters.
        reasons: these alone; empty for all.
        sources: those of records at these positions alone, `topic[partition]@offset`; empty for all.
    """

    topic: str
    reasons: Collection[str] = ()
    sources: Collection[str] = ()

    @property
    def receipts(self) -> str:
        """The topic that says which letters have been put back: for each its partition and offset as the key."""
        return f"{self.topic}.put-back"

    def has(self, letter: DeadLetter) -> bool:
        """Whether it is one of those to look at."""
        return (not self.reasons or letter.reason in self.reasons) and (
            not self.sources or str(letter.source) in self.sources
        )


def waiting(connection: Connection, which: Waiting) -> Iterator[DeadLetter]:
    """The letters that wait, each partition's in order, up to the end that the topic has now.

    Raises:
        ConfigurationError: there is no such topic.
        BrokerUnavailable: no broker answers.
    """
    done = _put_back(connection, which.receipts)
    for message in _messages(connection, which.topic):
        letter = letter_from_message(message)
        if letter and which.has(letter) and receipt_key(letter) not in done:
            yield letter


def receipt_key(letter: DeadLetter) -> bytes:
    """The key of a letter's receipt."""
    return f"{letter.place.partition}@{letter.place.offset}".encode()


def _put_back(connection: Connection, receipts: str) -> set[bytes]:
    if not Cluster(connection).has(receipts):
        return set()
    return {message.key() or b"" for message in _messages(connection, receipts)}


def _messages(connection: Connection, topic: str) -> Iterator[Message]:
    found = spans(connection, topic, "earliest", "latest")
    with SpanReader(connection) as reader:
        for span in found:
            for block in reader.read(span):
                yield from block
