"""The checkpoint writer: the successive checkpoints of one lane as records of the state topic."""

from __future__ import annotations

import math
import os
import time
from collections import deque
from collections.abc import Iterable, Iterator

import msgspec

from makiserve.scoring import Lane
from makiserve.serving.state.parts_index import NUMBER_BYTES, Manifest, PartsIndex, chunk_keys, other_slot
from makiserve.stream.columns.choose import AnyParts

TopicRecord = tuple[bytes, "bytes | None"]

MARK = b"mark"
STATE_ID_BYTES = 4
COUNT_BYTES = 4
HEAD_BYTES = STATE_ID_BYTES + NUMBER_BYTES + COUNT_BYTES
"""Size of the head of a part's first chunk: state id, checkpoint number, number of chunks. Zero chunks mean that the
part is removed."""

CHUNK_BYTES = 900_000
"""Brokers refuse messages of more than 1 MB by default."""

SLICE_BYTES = 16_000_000
"""Maximum size of a lane's checkpoint data per commit, so that it reaches the brokers in time."""

OVERHEAD_BYTES = 100
"""Approximate overhead of a record in addition to its key and value."""

_pack = msgspec.msgpack.encode


class CheckpointWriter:
    """Writes the successive checkpoints of one lane as records of its state topic partition.

    Args:
        parts: the parts of each program of the scorer.
        stale: keys in the topic that do not belong to the lane's last checkpoint. They are removed in this order.
        index: the parts of the lane's last checkpoint; None if there is none.
        manifest: manifest of the lane's last checkpoint.
        number: the highest checkpoint number of this state in the topic, complete or not.
        state_id: id of the state; None for a new state.

    Attributes:
        manifest: manifest of the last complete checkpoint.
        state_id: 8 hexadecimal digits that no other state has.
    """

    def __init__(
        self,
        parts: tuple[AnyParts, ...],
        stale: Iterable[bytes] = (),
        index: PartsIndex | None = None,
        manifest: Manifest = Manifest(),  # noqa: B008  immutable
        number: int = 0,
        state_id: str | None = None,
    ) -> None:
        self._parts = parts
        self._stale = list(stale)
        self._is_whole = index is None
        self._index = index or PartsIndex()
        self._number = number
        self._changes: Iterator[TopicRecord] | None = None
        self._queue: deque[TopicRecord] = deque()
        self.manifest = manifest
        self.state_id = state_id or os.urandom(STATE_ID_BYTES).hex()

    @property
    def is_open(self) -> bool:
        """Whether a checkpoint has begun and is incomplete. Until it is complete, the lane must not change."""
        return self._changes is not None or bool(self._queue)

    def touched(self, lane: Lane) -> int:
        """Return the approximate number of parts in the next checkpoint."""
        return sum(parts.touched(state) for parts, state in zip(self._parts, lane.states, strict=True))

    def write(self, lane: Lane, limit_s: float = math.inf) -> list[TopicRecord]:
        """Return the next records of a checkpoint. It is complete if `is_open` is false afterwards.

        Args:
            lane: must not change between the first and the last call for a checkpoint.
            limit_s: time limit for taking further parts, in seconds.

        Raises:
            StateError: a value of the state cannot be encoded; the message names the operator.
        """
        is_first = not self.is_open
        if is_first:
            self._begin(lane)
        if self._changes is not None and _size(self._queue) < SLICE_BYTES:
            self._fill(self._changes, time.monotonic() + limit_s, is_first=is_first)
        records = list(_taken(self._queue))
        if not self.is_open:
            self.manifest = self._index.manifest(self._number)
        return records

    def _begin(self, lane: Lane) -> None:
        self._number += 1
        self._queue.extend((key, None) for key in self._stale)
        self._stale = []
        self._changes = self._changed(lane, is_whole=self._is_whole)
        self._is_whole = False

    def _changed(self, lane: Lane, *, is_whole: bool) -> Iterator[TopicRecord]:
        for program, (parts, state) in enumerate(zip(self._parts, lane.states, strict=True)):
            for address, content in parts.take(state, is_whole=is_whole):
                yield _pack([program, address]), content

    def _fill(self, changes: Iterator[TopicRecord], deadline: float, *, is_first: bool) -> None:
        """Queue the next parts. If the whole checkpoint fits into this call, they overwrite the previous parts."""
        taken, size = [], _size(self._queue)
        for change in changes:
            taken.append(change)
            size += _size([change])
            if size >= SLICE_BYTES or time.monotonic() >= deadline:
                break
        else:
            self._changes = None
        is_atomic = is_first and self._changes is None and size < SLICE_BYTES
        for part, content in taken:
            self._queue.extend(self._replaced(part, content) if is_atomic else self._staged(part, content))

    def _replaced(self, part: bytes, content: bytes | None) -> Iterator[TopicRecord]:
        """Yield the records that overwrite a part."""
        before, slot = self._index.keys(part), self._index.slot(part) or 0
        chunks = [] if content is None else self._chunked(part, slot, content)
        self._index.put(part, self._number, slot, len(chunks))
        yield from chunks
        yield from ((key, None) for key in before[len(chunks) :])

    def _staged(self, part: bytes, content: bytes | None) -> Iterator[TopicRecord]:
        """Yield the records of a part or its removal in the other slot; the old ones are deleted afterwards."""
        before, slot = self._index.keys(part), self._index.slot(part)
        slot = 0 if slot is None else other_slot(slot)
        self._stale += before
        if content is None and not before:
            return
        chunks = [self._removal(part, slot)] if content is None else self._chunked(part, slot, content)
        if content is None:
            self._stale.append(chunks[0][0])  # after `before`: otherwise those records would count again
        self._index.put(part, self._number, slot, 0 if content is None else len(chunks))
        yield from chunks

    def _chunked(self, part: bytes, slot: int, content: bytes) -> list[TopicRecord]:
        starts = range(0, len(content), CHUNK_BYTES)
        pieces = [content[start : start + CHUNK_BYTES] for start in starts]
        pieces[0] = self._head(len(pieces)) + pieces[0]
        return list(zip(chunk_keys(part, slot, len(pieces)), pieces, strict=True))

    def _removal(self, part: bytes, slot: int) -> TopicRecord:
        (key,) = chunk_keys(part, slot, 1)
        return key, self._head(0)

    def _head(self, chunks: int) -> bytes:
        number = self._number.to_bytes(NUMBER_BYTES, "big")
        return bytes.fromhex(self.state_id) + number + chunks.to_bytes(COUNT_BYTES, "big")


def _taken(queue: deque[TopicRecord]) -> Iterator[TopicRecord]:
    size = 0
    while queue and size < SLICE_BYTES:
        record = queue.popleft()
        size += _size([record])
        yield record


def _size(records: Iterable[TopicRecord]) -> int:
    return sum(len(key) + len(value or b"") + OVERHEAD_BYTES for key, value in records)
