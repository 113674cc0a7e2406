"""Which records of the state topic hold the parts of a checkpoint, and a manifest to know whether all are there."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import NamedTuple

SLOTS = 2
"""The places of a part in the topic: a new version can be written without overwriting the one that still counts."""

NUMBER_BYTES = 4


class Manifest(NamedTuple):
    """What a complete checkpoint consists of.

    Attributes:
        number: of the checkpoint, from 1 on for each state; 0 if there is none.
        parts: how many parts the state has.
        digest: 16 hexadecimal digits over each part and the number of the checkpoint that wrote it last.
    """

    number: int = 0
    parts: int = 0
    digest: str = "0" * 16


class PartsIndex:
    """The parts of a checkpoint: which checkpoint wrote each last, in which slot and how many records."""

    def __init__(self) -> None:
        self._versions: dict[bytes, int] = {}
        self._chunks: dict[bytes, int] = {}
        self._sum = 0

    def manifest(self, number: int) -> Manifest:
        """Return the manifest of these parts, for the checkpoint of this number."""
        return Manifest(number, len(self._versions), f"{self._sum % 2**64:016x}")

    def slot(self, part: bytes) -> int | None:
        """Return the slot that a part is in; None if there is no such part."""
        version = self._versions.get(part)
        return None if version is None else version % SLOTS

    def keys(self, part: bytes) -> list[bytes]:
        """Return the keys of the records that hold a part."""
        slot = self.slot(part)
        return [] if slot is None else list(chunk_keys(part, slot, self._chunks.get(part, 1)))

    def put(self, part: bytes, number: int, slot: int, chunks: int) -> None:
        """Note that a checkpoint has written a part in so many records, or with none that it has removed it."""
        before = self._versions.pop(part, None)
        self._chunks.pop(part, None)
        if before is not None:
            self._sum -= _digest(part, before // SLOTS)
        if chunks:
            self._versions[part] = number * SLOTS + slot
            self._sum += _digest(part, number)
        if chunks > 1:
            self._chunks[part] = chunks


def other_slot(slot: int) -> int:
    """Return the slot that is not this one."""
    return SLOTS - 1 - slot


def chunk_keys(part: bytes, slot: int, chunks: int) -> Iterator[bytes]:
    """Yield the keys of the records that a part has in a slot."""
    key = bytes([slot]) + part
    for number in range(chunks):
        yield key + number.to_bytes(2, "big") if number else key


def _digest(part: bytes, number: int) -> int:
    return int.from_bytes(blake2b(part + number.to_bytes(NUMBER_BYTES, "big"), digest_size=8).digest(), "big")
