"""The checkpoint writer: the state of one lane as records of the state topic, a little with each commit.

A round takes every group that was used since the round before. If the groups are independent of each other, the lane
changes meanwhile: each group is saved as it is at the offset of its commit, and a restore reprocesses the records since
the round began, without those that a group has already seen. Otherwise all groups of a round have to be of one offset,
and the lane must not change until the round is complete. See decision 0170.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from makiserve.scoring import Lane
from makiserve.serving.state.segment_log import (
    OVERHEAD_BYTES,
    STATE_ID_BYTES,
    Manifest,
    SegmentLog,
    TopicRecord,
    segment_records,
)
from makiserve.stream.columns.engine_choice import AnyParts

SLICE_BYTES = 16_000_000
"""Maximum size of a lane's checkpoint data per commit, so that it reaches the brokers in time."""

SMALL_BYTES = 64_000
"""Changes of this size are kept, however small the state is."""


class CheckpointWriter:
    """Writes the state of one lane to its partition of the state topic.

    Args:
        parts: the parts of each program of the scorer.
        is_spread: whether the lane may change during a round, because its groups are independent of each other.
        origin: the offset of the first record that the state has seen, after a warm-up file.
        stale: keys in the topic that do not belong to this state. They are removed first.

    Attributes:
        is_spread: as given.
        state_id: 8 hexadecimal digits that no other state has.
        manifest: the segments that make up the state at `checkpoint` and after it.
        checkpoint: the offset from which records must be reprocessed; None if nothing is saved.
    """

    def __init__(
        self, parts: tuple[AnyParts, ...], *, is_spread: bool = False, origin: int = 0, stale: Iterable[bytes] = ()
    ) -> None:
        self.is_spread = is_spread
        self.state_id = os.urandom(STATE_ID_BYTES).hex()
        self.manifest = Manifest()
        self.checkpoint: int | None = None
        self._parts, self._origin = parts, origin
        self._stale = list(stale)
        self._segments = SegmentLog()
        self._blocks: Iterator[tuple[int, bytes]] | None = None
        self._begun, self._first, self._is_whole = 0, 1, False

    def resume(self, state_id: str, segments: SegmentLog, manifest: Manifest, checkpoint: int | None) -> None:
        """Continue a state that was restored."""
        self.state_id, self.manifest, self.checkpoint = state_id, manifest, checkpoint
        self._segments = segments

    @property
    def is_open(self) -> bool:
        """Return whether a round has begun and is incomplete."""
        return self._blocks is not None

    def write(self, lane: Lane, offset: int, limit_s: float = math.inf) -> list[TopicRecord]:
        """Return the next records of a round. It is complete if `is_open` is false afterwards.

        Args:
            lane: the lane; unless the writer is spread, it must not change between the calls of a round.
            offset: the offset that the lane's state is of. It is committed with the records.
            limit_s: time limit for taking groups, in seconds.

        Raises:
            StateError: a value of the state cannot be encoded; the message names the operator.
        """
        deadline = time.monotonic() + limit_s
        if self._blocks is None:
            self._begin(lane, offset)
        records: list[TopicRecord] = [(key, None) for key in self._stale]
        self._stale = []
        if blocks := self._take(deadline):
            content = msgspec.msgpack.encode(blocks)
            records += segment_records(self._segments, self.state_id, offset, content)
        if self._blocks is None:
            records += self._complete()
        elif self.is_spread:
            self.manifest = self._segments.manifest(self.manifest.whole)
            self.checkpoint = self._origin if self.checkpoint is None else self.checkpoint
        return records

    def _begin(self, lane: Lane, offset: int) -> None:
        whole, last = self.manifest.whole, self._segments.next - 1
        changes = self._segments.size(whole + 1, last)
        self._is_whole = self.checkpoint is None or changes > max(SMALL_BYTES, self._segments.size(1, whole))
        self._begun, self._first = offset, self._segments.next
        self._blocks = self._every_block(lane, is_whole=self._is_whole)

    def _every_block(self, lane: Lane, *, is_whole: bool) -> Iterator[tuple[int, bytes]]:
        for program, (parts, state) in enumerate(zip(self._parts, lane.states, strict=True)):
            for block in parts.take(state, is_whole=is_whole):
                yield program, block

    def _take(self, deadline: float) -> list[tuple[int, bytes]]:
        """Return the next blocks; at least one, if there is one."""
        taken: list[tuple[int, bytes]] = []
        size = 0
        assert self._blocks is not None  # noqa: S101  a round has begun
        for block in self._blocks:
            taken.append(block)
            size += len(block[1]) + OVERHEAD_BYTES
            if size >= SLICE_BYTES or time.monotonic() >= deadline:
                return taken
        self._blocks = None
        return taken

    def _complete(self) -> list[TopicRecord]:
        """Complete a round; return the removals of the segments that it has replaced."""
        whole, records = self.manifest.whole, list[TopicRecord]()
        if self._is_whole:
            whole = self._segments.next - 1
            records = [(key, None) for key in self._segments.remove_before(self._first)]
        self.manifest, self.checkpoint = self._segments.manifest(whole), self._begun
        return records


def blocks_of(content: bytes) -> list[list[Any]]:
    """Return the program and the block of each block of a segment.

    Raises:
        DecodeError: it is damaged.
    """
    return msgspec.msgpack.decode(content, type=list[list[Any]])
