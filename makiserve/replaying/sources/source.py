"""What every source gives: blocks of typed records with their positions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from makiserve.errors import DecodeError
from makiserve.schema import Record, Schema


class Block(NamedTuple):
    """Records of one source in a row; parallel sequences.

    Attributes:
        source: the name of it. With an offset it is a record's position: no other record of the replay has it.
        offsets: of the records, rising: from 0 in a file, the broker's in a topic.
        records: a `DecodeError` stands in the place of one that does not fit. Empty where no sink needs them.
        keys: of the messages, or what `lane_by` found; None for the records of a file.
        lanes: the lane of each record, where `lane_by` has found one; None where the source is the lane.
        unseen: the names of the optional fields that the source has not had up to here.
    """

    source: str
    offsets: Sequence[int]
    records: Sequence[Record | DecodeError]
    keys: Sequence[Any] | None = None
    lanes: Sequence[Any] | None = None
    unseen: frozenset[str] = frozenset()

    def cut(self, start: int, end: int | None = None) -> Block:
        """The records from index `start` to the one before `end`."""
        part = slice(start, end)
        keys, lanes = (each[part] if each is not None else None for each in (self.keys, self.lanes))
        return Block(self.source, self.offsets[part], self.records[part], keys, lanes, self.unseen)


class Source(Protocol):
    """A file, a partition's span, or records in memory.

    Attributes:
        name: short, and of no other source of the replay.
        size: what the whole of it weighs, in the unit of `read`; None where nobody knows.
        read: how much of it has been read.
        is_keyed: whether its records have keys.
    """

    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int | None: ...
    @property
    def read(self) -> int: ...
    @property
    def is_keyed(self) -> bool: ...

    def blocks(self, schema: Schema) -> Iterator[Block]:
        """Its records, from the first to the last.

        Raises:
            SourceError: it cannot be read as what it should be.
        """
