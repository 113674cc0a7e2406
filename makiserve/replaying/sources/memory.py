"""Records that the caller has in memory, in a notebook or a test."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from makiserve.replaying.sources.source import Block
from makiserve.schema import Schema
from makiserve.schema.in_memory import read_rows

BLOCK_RECORDS = 16_384


class RecordsSource:
    """Records in memory, or as they are made.

    Args:
        records: in order; whatever `read_rows` takes.
    """

    name = "records"
    size = None
    is_keyed = False

    def __init__(self, records: Any) -> None:
        self._records = records
        self.read = 0

    def blocks(self, schema: Schema) -> Iterator[Block]:
        rest = read_rows(self._records, schema)
        while records := list(islice(rest, BLOCK_RECORDS)):
            start = self.read
            self.read += len(records)
            yield Block(self.name, range(start, self.read), records)
