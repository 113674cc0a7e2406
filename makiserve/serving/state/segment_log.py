"""Segments: the records of the state topic, each of which holds what one commit saved of a lane.

Segments are numbered, and a segment never changes. A group is as the last segment that holds it has it. A manifest
names the segments that make up a state. When they have grown to twice the size of the state, all groups are written
again, and the segments before are deleted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

TopicRecord = tuple[bytes, "bytes | None"]

METADATA = b"metadata"
"""The key of the record that holds the metadata of the last commit that wrote segments."""

STATE_ID_BYTES = 4

CHUNK_BYTES = 900_000
"""Brokers refuse messages of more than 1 MB by default."""

OVERHEAD_BYTES = 100
"""Approximate overhead of a record in addition to its key and value."""

_HEAD = Struct(f">{STATE_ID_BYTES}sQQH")
_KEY = Struct(">cQH")
_KIND = b"s"


class Manifest(NamedTuple):
    """The segments that make up a state.

    Attributes:
        first: the number of the first one.
        whole: the number of the last one that was written together with all groups; those after it hold changes.
        last: the number of the last one; less than `first` if there are none.
        digest: 16 hexadecimal digits: the sum of their random tags, so that another segment with the same number is
            noticed.
    """

    first: int = 1
    whole: int = 0
    last: int = 0
    digest: str = "0" * 16


class Segment(NamedTuple):
    """A segment of a state.

    Attributes:
        tag: a random number.
        offset: the offset in the input that its groups are of.
        chunks: the number of its records.
        size: their approximate size in bytes.
    """

    tag: int
    offset: int
    chunks: int
    size: int


class SegmentLog:
    """The segments of one state in the topic, those included that do not belong to a complete checkpoint yet."""

    def __init__(self, first: int = 1) -> None:
        self._first = first
        self._found: dict[int, Segment] = {}

    @property
    def keys(self) -> set[bytes]:
        """The keys of their records."""
        return {key for number, segment in self._found.items() for key in segment_keys(number, segment.chunks)}

    @property
    def next(self) -> int:
        """The number of the next segment."""
        return self._first + len(self._found)

    def manifest(self, whole: int) -> Manifest:
        """Return the manifest of all of them; `whole` is the last one that was written together with all groups."""
        tags = sum(segment.tag for segment in self._found.values()) % 2**64
        return Manifest(self._first, whole, self.next - 1, f"{tags:016x}")

    def size(self, first: int, last: int) -> int:
        """Return the size of some segments in bytes."""
        return sum(self._found[number].size for number in range(max(first, self._first), last + 1))

    def add(self, segment: Segment) -> int:
        """Add the next segment, and return its number."""
        number = self.next
        self._found[number] = segment
        return number

    def remove_before(self, number: int) -> Iterator[bytes]:
        """Remove the segments before a number, and yield the keys of their records."""
        while self._first < number:
            yield from segment_keys(self._first, self._found.pop(self._first).chunks)
            self._first += 1


def segment_keys(number: int, chunks: int) -> list[bytes]:
    """Return the keys of the records of a segment."""
    return [_KEY.pack(_KIND, number, chunk) for chunk in range(chunks)]


def segment_records(segments: SegmentLog, state_id: str, offset: int, content: bytes) -> list[TopicRecord]:
    """Add a segment, and return its records."""
    pieces = [content[start : start + CHUNK_BYTES] for start in range(0, len(content), CHUNK_BYTES)]
    tag = int.from_bytes(os.urandom(8), "big")
    pieces[0] = _HEAD.pack(bytes.fromhex(state_id), tag, offset, len(pieces)) + pieces[0]
    number = segments.add(Segment(tag, offset, len(pieces), len(content) + OVERHEAD_BYTES * len(pieces)))
    return list(zip(segment_keys(number, len(pieces)), pieces, strict=True))


def read_segment(records: dict[bytes, bytes], number: int, state_id: str) -> tuple[Segment, bytes] | None:
    """Return a segment and its content; None if it, or one of its records, is missing or belongs to another state."""
    (key,) = segment_keys(number, 1)
    first = records.get(key, b"")
    if len(first) < _HEAD.size:
        return None
    owner, tag, offset, chunks = _HEAD.unpack_from(first)
    pieces = [records[key] for key in segment_keys(number, chunks) if key in records]
    if owner.hex() != state_id or len(pieces) < chunks:
        return None
    content = b"".join(pieces)[_HEAD.size :]
    return Segment(tag, offset, chunks, len(content) + OVERHEAD_BYTES * chunks), content
