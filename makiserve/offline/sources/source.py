"""The sources of a replay, which yield blocks of records from a file or from memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from makiserve.errors import DecodeError
from makiserve.records import Record, RecordFile, Schema
from makiserve.records.in_memory import read_rows
from makiserve.records.lake import LakeTable, open_table, read_table
from makiserve.records.order import Order
from makiserve.records.unseen import UnseenFields
from makiserve.scoring import Scored


class SourceOrigin(NamedTuple):
    """A source that was read.

    Attributes:
        name: its name in positions.
        place: the absolute path of a file, a table with its version, or the offsets of a topic's partition.
        records: number of records that were read.
        digest: SHA-256 of the bytes of a file, otherwise of place and number of records.
    """

    name: str
    place: str
    records: int
    digest: str


class Origins:
    """Counts the records of each source."""

    needs_records = False
    needs_features = False

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, int, int]] = {}

    def take(self, block: Block, scored: Scored) -> None:
        if not block.offsets:
            return
        count, first, _ = self._seen.get(block.source, (0, block.offsets[0], 0))
        self._seen[block.source] = (count + len(block.offsets), first, block.offsets[-1])

    def origins(self, sources: Iterable[Source]) -> list[SourceOrigin]:
        """Return what was read, after the replay; files are read once more for their digests."""
        return [self._origin(source.name, source) for source in {source.name: source for source in sources}.values()]

    def _origin(self, name: str, source: Source) -> SourceOrigin:
        path: Path | None = getattr(source, "path", None)
        count, first, last = self._seen.get(name, (0, 0, 0))
        if path is not None and path.is_file():
            with path.open("rb") as file:
                return SourceOrigin(name, str(path.absolute()), count, _sha256(iter(lambda: file.read(1 << 20), b"")))
        place = getattr(source, "place", f"{name}@{first}…{last}")
        return SourceOrigin(name, place, count, _sha256([f"{place} {count}".encode()]))


def digest_of(origins: Iterable[SourceOrigin]) -> str:
    """Return one digest for all origins."""
    return _sha256(f"{origin.name} {origin.digest}\n".encode() for origin in origins)


def _sha256(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


class Block(NamedTuple):
    """Consecutive records of one source, as parallel sequences.

    Attributes:
        source: the name of the source. Source and offset are the position of a record, which is unique in a replay.
        offsets: of the records, ascending: from 0 in a file, the broker's in a topic.
        records: a `DecodeError` takes the place of a record that does not fit. Empty if no sink needs them.
        keys: of the messages, or the values of the `lane_by` field; None for the records of a file.
        lanes: the lane of each record if there is a `lane_by`; None if the source is the lane.
        unseen: the names of the optional fields that have not occurred in the source so far.
    """

    source: str
    offsets: Sequence[int]
    records: Sequence[Record | DecodeError]
    keys: Sequence[Any] | None = None
    lanes: Sequence[Any] | None = None
    unseen: frozenset[str] = frozenset()

    def cut(self, start: int, end: int | None = None) -> Block:
        """Return the records from index `start` to the one before `end`."""
        part = slice(start, end)
        keys, lanes = (values[part] if values is not None else None for values in (self.keys, self.lanes))
        return Block(self.source, self.offsets[part], self.records[part], keys, lanes, self.unseen)


class Source(Protocol):
    """A file, a partition's span, or records in memory.

    Attributes:
        name: short, and unique in the replay.
        size: its total size, in the unit of `read`; None if unknown.
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
        """Yield its records, from the first to the last.

        Raises:
            SourceError: it cannot be read in its format.
        """


class RecordsSource:
    """Rows in memory, or from an iterator.

    Args:
        rows: anything that `read_rows` accepts.
        order: sorts the rows of a data frame; None to keep their order.
    """

    name = "records"
    size = None
    is_keyed = False

    def __init__(self, rows: Any, order: Order | None = None) -> None:
        self._rows = rows
        self._order = order
        self.read = 0

    def blocks(self, schema: Schema) -> Iterator[Block]:
        unseen = UnseenFields(schema)
        for records in read_rows(self._rows, schema, unseen, self._order):
            start = self.read
            self.read += len(records)
            yield Block(self.name, range(start, self.read), records, unseen=unseen.names)


class TableSource:
    """One version of a table, sorted.

    Args:
        table: to read.
        order: of its rows.
    """

    size = None
    is_keyed = False

    def __init__(self, table: LakeTable, order: Order) -> None:
        self._table = table
        self._order = order
        self.name, self.place = table.name, table.place
        self.read = 0

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, (self.name.rstrip("/"), self._order)

    def blocks(self, schema: Schema) -> Iterator[Block]:
        unseen, self.read = UnseenFields(schema), 0
        for records in read_table(self._table, schema, unseen, self._order):
            start = self.read
            self.read += len(records)
            yield Block(self.name, range(start, self.read), records, unseen=unseen.names)


def _reopened(name: str, order: Order) -> TableSource:
    return TableSource(open_table(name), order)


class FileSource:
    """One file, in any of the formats that `RecordFile` reads.

    Args:
        path: of the file.
        name: its name in the outputs.
    """

    is_keyed = False

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self.name = name
        self._file: RecordFile | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return FileSource, (self.path, self.name)  # another process reads it from the beginning

    @property
    def size(self) -> int | None:
        return self.path.stat().st_size if self.path.is_file() else None

    @property
    def read(self) -> int:
        return self._file.bytes_read if self._file else 0

    def blocks(self, schema: Schema) -> Iterator[Block]:
        self._file = RecordFile(self.path, schema)
        offset = 0
        for records in self._file:
            positions = range(offset, offset + len(records))
            yield Block(self.name, positions, records, unseen=self._file.unseen.names)
            offset += len(records)
