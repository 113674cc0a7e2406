"""Records that the caller has made himself, in a notebook or a test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from makiserve.replaying.sources.source import Block
from makiserve.schema import Record, Schema

BLOCK_RECORDS = 16_384


class RecordsSource:
    """Records in memory, or as they are made.

    Args:
        records: in order.
    """

    name = "records"
    size = None
    is_keyed = False

    def __init__(self, records: Iterable[Record]) -> None:
        self._records = records
        self.read = 0

    def blocks(self, schema: Schema) -> Iterator[Block]:
        rest = iter(self._records)
        while records := list(islice(rest, BLOCK_RECORDS)):
            start = self.read
            self.read += len(records)
            yield Block(self.name, range(start, self.read), records)
