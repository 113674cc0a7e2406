"""A lane's checkpoint as records of the state topic: a record a part, large parts in chunks, and the mark.

The topic is compacted, so that for each key its last record counts: a checkpoint only holds what has changed since the
one before. All its records are in one transaction, the mark among them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

import msgspec

from makiserve.errors import StateError
from makiserve.scoring import Lane
from makiserve.serving.state.mark import Mark, mark_from_text
from makiserve.stream.engine.parts import Parts

TopicRecord = tuple[bytes, "bytes | None"]

MARK = b"mark"
LINEAGE_BYTES = 4
HEAD_BYTES = LINEAGE_BYTES + 4
"""Of a part's first chunk: the lineage of the state, and the number of chunks."""

CHUNK_BYTES = 900_000
"""Brokers refuse messages of more than 1 MB by default."""

_pack, _unpack = msgspec.msgpack.encode, msgspec.msgpack.decode


class CheckpointWriter:
    """Turns one lane into records of its partition of the state topic, again and again.

    Args:
        parts: of each program of the scorer.
        found: what the topic holds and the lane does not come from: the first checkpoint is whole and removes the rest.
            None where the lane comes from what the topic holds.
        chunks: how many records a part has there, where it has more than one.
        lineage: of the state, where it comes from the topic; a new one otherwise.
    """

    def __init__(
        self,
        parts: tuple[Parts, ...],
        found: Iterable[bytes] | None,
        chunks: dict[bytes, int] | None = None,
        lineage: str | None = None,
    ) -> None:
        self._parts = parts
        self._is_whole = found is not None
        self._stale = set(found or ())
        self._chunks = chunks or {}
        self.lineage = lineage or os.urandom(LINEAGE_BYTES).hex()

    def touched(self, lane: Lane) -> int:
        """About how many records the next checkpoint has."""
        return sum(parts.touched(state) for parts, state in zip(self._parts, lane.states, strict=True))

    def records(self, lane: Lane, mark: Mark) -> Iterator[TopicRecord]:
        """The next checkpoint.

        Raises:
            StateError: a value of the state has no code; the message names the operator.
        """
        for program, (parts, state) in enumerate(zip(self._parts, lane.states, strict=True)):
            for address, content in parts.take(state, is_whole=self._is_whole):
                for key, value in self._chunked(_pack([program, address]), content):
                    self._stale.discard(key)
                    yield key, value
        for key in self._stale:
            yield key, None
        yield MARK, str(mark).encode()
        self._stale, self._is_whole = set(), False

    def _chunked(self, part: bytes, content: bytes | None) -> Iterator[TopicRecord]:
        """The first chunk says how many there are; those that a larger part had before are removed."""
        starts = range(0, len(content), CHUNK_BYTES) if content is not None else range(0)
        before, count = self._chunks.pop(part, 1), len(starts)
        if count > 1:
            self._chunks[part] = count
        for number, start in enumerate(starts):
            assert content is not None  # noqa: S101  there are no starts otherwise
            head = bytes.fromhex(self.lineage) + count.to_bytes(4, "big") if number == 0 else b""
            yield part + _suffix(number) if number else part, head + content[start : start + CHUNK_BYTES]
        for number in range(count, before):
            yield part + _suffix(number) if number else part, None


class Contents:
    """What a partition of the state topic holds."""

    def __init__(self) -> None:
        self.records: dict[bytes, bytes] = {}

    def add(self, records: Iterable[TopicRecord]) -> None:
        """The next records of the partition."""
        for key, value in records:
            if value is None:
                self.records.pop(key, None)
            else:
                self.records[key] = value

    def lane(self, parts: tuple[Parts, ...], offset: int | None) -> tuple[Lane, CheckpointWriter]:
        """The lane of the last checkpoint, and what writes the next one.

        Args:
            parts: of each program of the scorer.
            offset: that the checkpoint must be of.

        Raises:
            StateError: it is of another offset, missing or damaged.
        """
        mark = mark_from_text(self.records.get(MARK, b""))
        if mark is None or mark.checkpoint != offset:
            held = "no checkpoint" if mark is None else f"the checkpoint of offset {mark.checkpoint}"
            raise StateError(
                f"it holds {held}, not that of offset {offset}: it was deleted, or another is in its place"
            )
        chunks: dict[bytes, int] = {}
        states: list[dict[bytes, bytes]] = [{} for _ in parts]
        try:
            for part, program, address in self._parts():
                first = self.records[part]
                if first[:LINEAGE_BYTES].hex() != mark.lineage:
                    continue  # of a state that was here before
                count = int.from_bytes(first[LINEAGE_BYTES:HEAD_BYTES], "big")
                rest = (self.records[part + _suffix(number)] for number in range(1, count))
                states[program][address] = b"".join((first[HEAD_BYTES:], *rest))
                if count > 1:
                    chunks[part] = count
        except (msgspec.DecodeError, KeyError, IndexError, TypeError, ValueError) as error:
            raise StateError(f"it is damaged: {type(error).__name__}: {error}") from error
        lane = Lane([each.join(state.items()) for each, state in zip(parts, states, strict=True)])
        return lane, CheckpointWriter(parts, None, chunks, mark.lineage)

    def _parts(self) -> Iterator[tuple[bytes, int, bytes]]:
        for key in self.records:
            if key != MARK and (found := _first(key)) is not None:
                yield key, *found


def _first(key: bytes) -> tuple[int, bytes] | None:
    """Program and address of the part whose first chunk has this key; None for further chunks."""
    try:
        program, address = _unpack(key)
    except (msgspec.DecodeError, RecursionError):  # the number behind it
        return None
    return program, address


def _suffix(number: int) -> bytes:
    return number.to_bytes(2, "big")
