"""The contents of a state topic partition, and the lane of its last complete checkpoint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from makiserve.errors import StateError
from makiserve.scoring import Lane
from makiserve.serving.state.checkpoint import (
    HEAD_BYTES,
    MARK,
    STATE_ID_BYTES,
    CheckpointWriter,
    TopicRecord,
)
from makiserve.serving.state.offset_metadata import OffsetMetadata, offset_metadata_from_text
from makiserve.serving.state.parts_index import NUMBER_BYTES, SLOTS, Manifest, PartsIndex, chunk_keys
from makiserve.stream.columns.choose import AnyParts

_unpack = msgspec.msgpack.decode


class Version(NamedTuple):
    """A version of a part in the topic.

    Attributes:
        part: key of the part, without the slot.
        number: number of the checkpoint that wrote it.
        chunks: number of its records; 0 if the checkpoint removed the part.
    """

    part: bytes
    program: int
    address: bytes
    slot: int
    number: int
    chunks: int

    @property
    def keys(self) -> list[bytes]:
        """The keys of its records."""
        return list(chunk_keys(self.part, self.slot, self.chunks))


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
    def mark(self) -> OffsetMetadata | None:
        """The metadata of the last complete checkpoint; None if there is none.

        Raises:
            StateError: it cannot be parsed.
        """
        return offset_metadata_from_text(self.records.get(MARK, b""))

    @property
    def keys(self) -> list[bytes]:
        """The keys of all records except the checkpoint metadata."""
        return [key for key in self.records if key != MARK]

    def lane(self, parts: tuple[AnyParts, ...], committed: OffsetMetadata) -> tuple[Lane, CheckpointWriter]:
        """Return the lane of the last complete checkpoint, and the writer of the next one.

        Args:
            parts: the parts of each program of the scorer.
            committed: metadata of the committed offset, which must refer to this checkpoint.

        Raises:
            StateError: the checkpoint is a different one, is damaged, or lacks parts.
        """
        _require_same(self.mark, committed)
        index, states = PartsIndex(), [dict[bytes, bytes]() for _ in parts]
        try:
            versions = list(self._versions(committed.state_id))
            for version in _newest(versions, committed.manifest.number):
                index.put(version.part, version.number, version.slot, version.chunks)
                if version.chunks:
                    content = b"".join(self.records[key] for key in version.keys)
                    states[version.program][version.address] = content[HEAD_BYTES:]
        except (msgspec.DecodeError, KeyError, IndexError, TypeError, ValueError) as error:
            raise StateError(f"it is damaged: {type(error).__name__}: {error}") from error
        _require_complete(index.manifest(committed.manifest.number), committed)
        lane = Lane([each.join(state.items()) for each, state in zip(parts, states, strict=True)])
        highest = max((version.number for version in versions), default=0)
        stale = self._stale(index, versions)
        return lane, CheckpointWriter(parts, stale, index, committed.manifest, highest, committed.state_id)

    def _versions(self, state_id: str) -> Iterator[Version]:
        for key in self.keys:
            head = self.records[key][:HEAD_BYTES]
            if key[0] < SLOTS and head[:STATE_ID_BYTES].hex() == state_id and (found := _first(key[1:])) is not None:
                number = int.from_bytes(head[STATE_ID_BYTES : STATE_ID_BYTES + NUMBER_BYTES], "big")
                chunks = int.from_bytes(head[STATE_ID_BYTES + NUMBER_BYTES :], "big")
                yield Version(key[1:], *found, key[0], number, chunks)

    def _stale(self, index: PartsIndex, versions: list[Version]) -> list[bytes]:
        """Return the keys that do not belong to the checkpoint: old records of a removed part before its removal."""
        numbers = {bytes([version.slot]) + version.part: version.number for version in versions}
        used = {key for version in versions for key in index.keys(version.part)}
        return sorted(set(self.keys) - used, key=lambda key: numbers.get(key, 0))


def _newest(versions: Iterable[Version], number: int) -> Iterable[Version]:
    """Return the last version of each part up to this checkpoint; later checkpoints were never completed."""
    newest: dict[bytes, Version] = {}
    for version in versions:
        known = newest.get(version.part)
        if version.number <= number and (known is None or known.number < version.number):
            newest[version.part] = version
    return newest.values()


def _first(part: bytes) -> tuple[int, bytes] | None:
    """Return program and address of a part from the key of its first chunk; None for the key of a later chunk."""
    try:
        program, address = _unpack(part)
    except (msgspec.DecodeError, RecursionError):  # the key of a later chunk: a number follows
        return None
    return program, address


def _require_same(held: OffsetMetadata | None, committed: OffsetMetadata) -> None:
    if held is not None and held.state == committed.state:
        return
    wanted = f"the checkpoint of offset {committed.checkpoint}"
    if held is None:
        raise StateError(f"it has no checkpoint instead of {wanted}: the topic or its records were deleted")
    if held.checkpoint != committed.checkpoint:
        raise StateError(f"it has the checkpoint of offset {held.checkpoint} instead of {wanted}")
    raise StateError(
        f"it has a checkpoint of offset {held.checkpoint} with other state ({held.state_id}, number "
        f"{held.manifest.number}) instead of {wanted} ({committed.state_id}, number {committed.manifest.number})"
    )


def _require_complete(found: Manifest, committed: OffsetMetadata) -> None:
    if found == committed.manifest:
        return
    raise StateError(
        f"it has {found.parts} of the {committed.manifest.parts} parts of the checkpoint of offset "
        f"{committed.checkpoint}, or older versions of them: retention or another program has removed records. "
        "Set cleanup.policy=compact on the topic, and let no other program write to it"
    )
