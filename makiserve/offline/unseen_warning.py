"""A warning for optional fields that no source of a replay has."""

from __future__ import annotations

from makiserve.offline.sources import Block
from makiserve.records import Schema
from makiserve.records.unseen import warn_of_unseen
from makiserve.scoring import Scored


class Unseen:
    """A sink that reports the optional fields that no header and no record had.

    Args:
        schema: of the records.
    """

    needs_records = False
    needs_features = False

    def __init__(self, schema: Schema) -> None:
        self._record = schema.record
        self._names: frozenset[str] | None = None

    def take(self, block: Block, scored: Scored) -> None:
        self._names = block.unseen if self._names is None else self._names & block.unseen

    def report(self) -> None:
        """Log these fields if there are any."""
        warn_of_unseen(self._names or (), self._record)
