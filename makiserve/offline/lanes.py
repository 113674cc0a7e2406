"""The lanes of a replay: one for each source, or one for each value of a field."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Protocol

from makiserve.errors import DecodeError, SourceError
from makiserve.offline.sources import Block
from makiserve.records import Schema
from makiserve.records.order import scalar_attribute
from makiserve.scoring import Batch, Lane, Scored, Scorer


class Lanes(Protocol):
    """Scores blocks, each record in its lane."""

    def begin_source(self) -> None:
        """Start another source; the following blocks belong to it."""

    def rebuild(self, block: Block) -> None:
        """Restore state: process the records of a block without output."""

    def score(self, block: Block) -> tuple[Block, Scored]:
        """Return a block and its outputs, in the order of its records."""


class LaneBySource:
    """One lane for each source."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self._lane = scorer.new_lane()

    def begin_source(self) -> None:
        self._lane = self._scorer.new_lane()

    def rebuild(self, block: Block) -> None:
        self._scorer.rebuild(Batch(self._lane, block.records))

    def score(self, block: Block) -> tuple[Block, Scored]:
        is_challenged = self._scorer.challenged(block.keys, block.source, block.offsets)
        (scored,) = self._scorer.score([Batch(self._lane, block.records, is_challenged)])
        return block, scored


class LaneByField:
    """One lane for each value of a field, which continues from source to source.

    The outputs are in the order of the records, whatever their lanes. A record that does not fit its schema has no
    lane. It is a dead letter nevertheless.

    Args:
        scorer: of all lanes.
        attribute: of the record.
    """

    def __init__(self, scorer: Scorer, attribute: str) -> None:
        self._scorer = scorer
        self._attribute = attribute
        self._lanes: dict[Hashable, Lane] = {}

    def begin_source(self) -> None:
        return

    def rebuild(self, block: Block) -> None:
        for key, indexes in self._parts(block)[1].items():
            self._scorer.rebuild(self._batch(block, key, indexes))

    def score(self, block: Block) -> tuple[Block, Scored]:
        keys, parts = self._parts(block)
        is_challenged = self._scorer.challenged(block.keys, block.source, block.offsets)
        outputs = self._scorer.score(
            [self._batch(block, key, indexes, is_challenged) for key, indexes in parts.items()]
        )
        dead = [(index, record) for index, record in enumerate(block.records) if isinstance(record, DecodeError)]
        of_block = [scored.map_causes(indexes) for scored, indexes in zip(outputs, parts.values(), strict=True)]
        return block._replace(keys=keys, lanes=keys), Scored.concat([Scored([], [], [], [*dead]), *of_block])

    def _parts(self, block: Block) -> tuple[list[Any], dict[Hashable, list[int]]]:
        """Return the lane of each record, and the indexes of the records of each lane."""
        keys: list[Any] = []
        parts: dict[Hashable, list[int]] = {}
        for index, record in enumerate(block.records):
            if isinstance(record, DecodeError):
                keys.append(None)
                continue
            keys.append(key := getattr(record, self._attribute))
            parts.setdefault(key, []).append(index)
        if None in parts:
            raise SourceError(
                f"{block.source}@{block.offsets[parts[None][0]]}: {self._attribute} is null, so the record has no "
                "lane: leave such rows out, or give them a value"
            )
        return keys, parts

    def _batch(
        self, block: Block, key: Hashable, indexes: list[int], is_challenged: Sequence[bool] | None = None
    ) -> Batch:
        if key not in self._lanes:
            self._lanes[key] = self._scorer.new_lane()
        challenged = is_challenged and [is_challenged[index] for index in indexes]
        return Batch(self._lanes[key], [block.records[index] for index in indexes], challenged)


def lanes_of(scorer: Scorer, schema: Schema, lane_by: str | None) -> Lanes:
    """Return lanes by source, or by the values of the field `lane_by`.

    Raises:
        ArgumentError: the field does not exist, or its values are lists or objects.
    """
    return LaneByField(scorer, scalar_attribute(schema, lane_by, "lane_by")) if lane_by else LaneBySource(scorer)
