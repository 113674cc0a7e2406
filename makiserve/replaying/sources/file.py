"""A file as a source."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from makiserve.replaying.sources.source import Block
from makiserve.schema import RecordFile, Schema


class FileSource:
    """One file, in any of the formats that `RecordFile` knows.

    Args:
        path: of the file.
        name: by which it is known in the outputs.
    """

    is_keyed = False

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self.name = name
        self._file: RecordFile | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return FileSource, (self.path, self.name)  # what another process reads from its beginning

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
