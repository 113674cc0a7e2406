"""The lanes of a replay: one for each source, or one for each value of a field."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Protocol

from makiserve.errors import DecodeError
from makiserve.offline.sources import Block
from makiserve.records import Schema
from makiserve.records.fields import attribute_of
from makiserve.scoring import Batch, Lane, Scored, Scorer
from makiserve.scoring.post import Posted


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
        own = self._scorer.challenged(block.keys, block.source, block.offsets)
        found = self._scorer.score([self._batch(block, key, indexes, own) for key, indexes in parts.items()])
        dead = [(index, record) for index, record in enumerate(block.records) if isinstance(record, DecodeError)]
        placed = [_placed(scored, indexes) for scored, indexes in zip(found, parts.values(), strict=True)]
        return block._replace(keys=keys, lanes=keys), _merged([Scored([], [], [], [*dead]), *placed])

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
        return keys, parts

    def _batch(
        self, block: Block, key: Hashable, indexes: list[int], is_challenged: Sequence[bool] | None = None
    ) -> Batch:
        if key not in self._lanes:
            self._lanes[key] = self._scorer.new_lane()
        own = is_challenged and [is_challenged[index] for index in indexes]
        return Batch(self._lanes[key], [block.records[index] for index in indexes], own)


def _placed(scored: Scored, indexes: list[int]) -> Scored:
    """Replace the indexes in a lane's batch by the indexes in the block."""
    posted = scored.posted
    return Scored(
        [indexes[cause] for cause in scored.causes],
        scored.features,
        scored.predictions,
        [(indexes[index], error) for index, error in scored.dead],
        posted and Posted([indexes[cause] for cause in posted.causes], posted.items),
    )


def _merged(parts: list[Scored]) -> Scored:
    """Merge the outputs of several lanes in the order of the records; the outputs of one record keep their order."""
    outputs = [output for part in parts for output in zip(part.causes, part.features, part.predictions, strict=True)]
    outputs.sort(key=lambda output: output[0])
    posted = [item for part in parts if part.posted for item in zip(*part.posted, strict=True)]
    posted.sort(key=lambda item: item[0])
    has_post = any(part.posted is not None for part in parts)
    return Scored(
        [cause for cause, _, _ in outputs],
        [features for _, features, _ in outputs],
        [prediction for _, _, prediction in outputs],
        sorted((letter for part in parts for letter in part.dead), key=lambda letter: letter[0]),
        Posted([cause for cause, _ in posted], [item for _, item in posted]) if has_post else None,
    )


def lanes_of(scorer: Scorer, schema: Schema, lane_by: str | None) -> Lanes:
    """Return lanes by source, or by the values of the field `lane_by`.

    Raises:
        ConfigurationError: the field does not exist.
    """
    return LaneByField(scorer, attribute_of(schema, lane_by, "lane_by")) if lane_by else LaneBySource(scorer)
