"""The contents of a state topic partition, and the lane that its segments make up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from makiserve.errors import StateError
from makiserve.scoring import Lane
from makiserve.serving.state.checkpoint_writer import CheckpointWriter, blocks_of
from makiserve.serving.state.offset_metadata import OffsetMetadata, offset_metadata_from_text
from makiserve.serving.state.segment_log import METADATA, SegmentLog, TopicRecord, read_segment
from makiserve.stream.columns.engine_choice import AnyParts


class Saved(NamedTuple):
    """What a state topic partition holds of a lane.

    Attributes:
        lane: the lane of the last checkpoint.
        writer: the writer that continues it.
        seen: for each group that was saved after the checkpoint began, the offset of the first record that it has not
            seen. Empty unless the writer is spread.
    """

    lane: Lane
    writer: CheckpointWriter
    seen: dict[Any, int]


class Contents:
    """The contents of a state topic partition."""

    def __init__(self) -> None:
        self.records: dict[bytes, bytes] = {}

    def add(self, records: Iterable[TopicRecord]) -> None:
        """Add the next records of the partition."""
        for key, value in records:
            if value is None:
                self.records.pop(key, None)
            else:
                self.records[key] = value

    @property
    def metadata(self) -> OffsetMetadata | None:
        """The metadata of the last commit that wrote segments of a valid state; None if there is none.

        Raises:
            StateError: it cannot be parsed.
        """
        return offset_metadata_from_text(self.records.get(METADATA, b""))

    @property
    def keys(self) -> list[bytes]:
        """The keys of all records except that metadata."""
        return [key for key in self.records if key != METADATA]

    def saved(self, parts: tuple[AnyParts, ...], committed: OffsetMetadata, *, is_spread: bool = False) -> Saved:
        """Return the lane that the metadata of a committed offset names, and the writer that continues it.

        Args:
            parts: the parts of each program of the scorer.
            committed: the metadata.
            is_spread: whether the groups are independent of each other.

        Raises:
            StateError: the topic has another state, one that is damaged, or lacks segments.
        """
        _require_same(self.metadata, committed)
        segments, contents = self._segments(committed)
        start = committed.checkpoint or 0
        blocks: list[list[bytes]] = [[] for _ in parts]
        seen: dict[Any, int] = {}
        try:
            for offset, content in contents:
                for program, block in blocks_of(content):
                    blocks[program].append(block)
                    if is_spread and offset > start:
                        seen |= dict.fromkeys(parts[program].keys(block), offset)
        except (msgspec.MsgspecError, LookupError, RecursionError, TypeError, ValueError) as error:
            raise StateError(f"it is damaged: {type(error).__name__}: {error}") from error
        lane = Lane([part.join(part_blocks) for part, part_blocks in zip(parts, blocks, strict=True)])
        used = segments.keys
        stale = [key for key in self.keys if key not in used]
        writer = CheckpointWriter(parts, is_spread=is_spread, origin=committed.origin, stale=stale)
        writer.resume(committed.state_id, segments, committed.manifest, committed.checkpoint)
        return Saved(lane, writer, seen)

    def _segments(self, committed: OffsetMetadata) -> tuple[SegmentLog, list[tuple[int, bytes]]]:
        """Return the segments of a state, and offset and content of each."""
        manifest = committed.manifest
        segments, contents = SegmentLog(manifest.first), list[tuple[int, bytes]]()
        count = manifest.last - manifest.first + 1
        for number in range(manifest.first, manifest.first + min(count, len(self.records))):
            if read := read_segment(self.records, number, committed.state_id):
                segment, content = read
                segments.add(segment)
                contents.append((segment.offset, content))
        if segments.manifest(manifest.whole) != manifest:
            raise StateError(
                f"it has {len(contents)} of the {count} segments of the checkpoint of offset {committed.checkpoint}, "
                "or others in their place: retention or another program has removed records. Set "
                "cleanup.policy=compact on the topic, and let no other program write to it"
            )
        return segments, contents


def _require_same(held: OffsetMetadata | None, committed: OffsetMetadata) -> None:
    if held is not None and held.state == committed.state:
        return
    wanted = f"the checkpoint of offset {committed.checkpoint}"
    if held is None:
        raise StateError(f"it has no checkpoint instead of {wanted}: the topic or its records were deleted")
    if held.checkpoint != committed.checkpoint:
        raise StateError(f"it has the checkpoint of offset {held.checkpoint} instead of {wanted}")
    raise StateError(
        f"it has a checkpoint of offset {held.checkpoint} with other state ({held.state_id}, segment "
        f"{held.manifest.last}) instead of {wanted} ({committed.state_id}, segment {committed.manifest.last})"
    )
