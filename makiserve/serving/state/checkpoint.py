"""The metadata of every committed offset and of every checkpoint: which state belongs to it."""

from __future__ import annotations

import math
import os
import time
from collections import deque
from collections.abc import Iterable, Iterator

import msgspec

from makiserve.errors import StateError
from makiserve.scoring import Lane
from makiserve.serving.state.parts_index import NUMBER_BYTES, Manifest, PartsIndex, chunk_keys, other_slot
from makiserve.stream.engine.parts import Parts


class OffsetMetadata(msgspec.Struct, frozen=True):
    """Which state a lane has at a committed offset.

    Attributes:
        origin: the offset of the first record that the state has seen.
        plan: the fingerprint of the pipeline.
        digest: of the pipeline's sources: functions may have changed though the plan has not.
        partitions: how many the input has.
        input: the topic that the offset belongs to.
        state_id: 8 hexadecimal digits that the state has from its start on, and that no other state has. Empty if
            nothing is remembered.
        checkpoint: the offset of the last complete checkpoint in the state topic; None if there is none yet.
        manifest: what that checkpoint consists of.
        release: the version of the model that scored the last records before the committed offset, and all since the
            checkpoint, if the state depends on it. Empty if nothing was scored yet.
        since: the offset of the first record that it scored.
    """

    origin: int
    plan: str
    digest: str
    partitions: int
    input: str
    state_id: str
    checkpoint: int | None = None
    manifest: Manifest = Manifest()
    release: str = ""
    since: int = 0

    @property
    def state(self) -> tuple[str, int | None, Manifest]:
        """What two marks of one checkpoint have in common."""
        return self.state_id, self.checkpoint, self.manifest

    def __str__(self) -> str:
        return msgspec.json.encode(self).decode()


def offset_metadata_from_text(text: str | bytes) -> OffsetMetadata | None:
    """Return the mark in the metadata of an offset; None if another program committed it.

    Raises:
        StateError: it cannot be read: another version of makiserve, or another program, wrote it.
    """
    if not text:
        return None
    try:
        return msgspec.json.decode(text, type=OffsetMetadata)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise StateError(f"the mark {text[:60]!r} is not from this version of makiserve: {error}") from error


TopicRecord = tuple[bytes, "bytes | None"]

MARK = b"mark"
STATE_ID_BYTES = 4
COUNT_BYTES = 4
HEAD_BYTES = STATE_ID_BYTES + NUMBER_BYTES + COUNT_BYTES
"""The head of a part's first chunk: the id of the state, the number of the checkpoint, the number of chunks. No chunks
means that the part is removed."""

CHUNK_BYTES = 900_000
"""Brokers refuse messages of more than 1 MB by default."""

SLICE_BYTES = 16_000_000
"""The most that one commit writes of a lane's checkpoint, so that it is with the brokers in time."""

OVERHEAD_BYTES = 100
"""About what a record costs in addition to key and value."""

_pack = msgspec.msgpack.encode


class CheckpointWriter:
    """Turns one lane into records of its partition of the state topic, again and again.

    Args:
        parts: of each program of the scorer.
        stale: the keys of the topic's records that are not of the lane's last checkpoint: they are removed, in order.
        index: the parts of the lane's last checkpoint; None if there is none.
        manifest: of the lane's last checkpoint.
        number: the highest number of a checkpoint of this state, complete or not, that the topic has records of.
        state_id: of the state; None for a new one.

    Attributes:
        manifest: of the last complete checkpoint.
        state_id: 8 hexadecimal digits that no other state has.
    """

    def __init__(
        self,
        parts: tuple[Parts, ...],
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
        """Whether a checkpoint is begun and not complete: the lane must not change before it is."""
        return self._changes is not None or bool(self._queue)

    def touched(self, lane: Lane) -> int:
        """Return about how many parts the next checkpoint has."""
        return sum(parts.touched(state) for parts, state in zip(self._parts, lane.states, strict=True))

    def write(self, lane: Lane, limit_s: float = math.inf) -> list[TopicRecord]:
        """Return the next records of a checkpoint. They are its last ones if it is not open afterwards.

        Args:
            lane: unchanged from the first call for a checkpoint to the last.
            limit_s: for how many seconds further parts are taken.

        Raises:
            StateError: a value of the state has no code; the message names the operator.
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
        """Queue the next parts. Those of a checkpoint that begins and ends here may replace the parts before them."""
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
        """Write a part over the one before it."""
        before, slot = self._index.keys(part), self._index.slot(part) or 0
        chunks = [] if content is None else self._chunked(part, slot, content)
        self._index.put(part, self._number, slot, len(chunks))
        yield from chunks
        yield from ((key, None) for key in before[len(chunks) :])

    def _staged(self, part: bytes, content: bytes | None) -> Iterator[TopicRecord]:
        """Write a part, or that it is removed, alongside the one before it, which is removed after this checkpoint."""
        before, slot = self._index.keys(part), self._index.slot(part)
        slot = 0 if slot is None else other_slot(slot)
        self._stale += before
        if content is None and not before:
            return
        chunks = [self._removal(part, slot)] if content is None else self._chunked(part, slot, content)
        if content is None:
            self._stale.append(chunks[0][0])  # after `before`: without it those would count again
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
