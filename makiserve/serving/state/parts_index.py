"""Index of the state topic records of a checkpoint, with a manifest to verify that it is complete."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import NamedTuple

SLOTS = 2
"""Slots per part in the topic, so that a new version does not overwrite the one that is still valid."""

NUMBER_BYTES = 4


class Manifest(NamedTuple):
    """A summary of a complete checkpoint, to verify that no part is missing.

    Attributes:
        number: number of the checkpoint, starting at 1 for each state; 0 if there is none.
        parts: number of parts of the state.
        digest: 16 hexadecimal digits, over each part and the number of the checkpoint that last wrote it.
    """

    number: int = 0
    parts: int = 0
    digest: str = "0" * 16


class PartsIndex:
    """The parts of a checkpoint: for each, the checkpoint that last wrote it, its slot and its number of records."""

    def __init__(self) -> None:
        self._versions: dict[bytes, int] = {}
        self._chunks: dict[bytes, int] = {}
        self._sum = 0

    def manifest(self, number: int) -> Manifest:
        """Return the manifest of these parts for the checkpoint with this number."""
        return Manifest(number, len(self._versions), f"{self._sum % 2**64:016x}")

    def slot(self, part: bytes) -> int | None:
        """Return the slot of a part; None if the part is not in the index."""
        version = self._versions.get(part)
        return None if version is None else version % SLOTS

    def keys(self, part: bytes) -> list[bytes]:
        """Return the keys of the records that hold a part."""
        slot = self.slot(part)
        return [] if slot is None else list(chunk_keys(part, slot, self._chunks.get(part, 1)))

    def put(self, part: bytes, number: int, slot: int, chunks: int) -> None:
        """Record that a checkpoint wrote a part as this many chunks, or removed it if there are none."""
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
    """Return the other slot."""
    return SLOTS - 1 - slot


def chunk_keys(part: bytes, slot: int, chunks: int) -> Iterator[bytes]:
    """Yield the keys of the records of a part in a slot."""
    key = bytes([slot]) + part
    for number in range(chunks):
        yield key + number.to_bytes(2, "big") if number else key


def _digest(part: bytes, number: int) -> int:
    return int.from_bytes(blake2b(part + number.to_bytes(NUMBER_BYTES, "big"), digest_size=8).digest(), "big")
