"""One record of a replay, operator by operator."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from makiserve.errors import ConfigurationError, DecodeError, RecordError
from makiserve.offline.lanes import lanes_of
from makiserve.offline.sources import Block, Source
from makiserve.records import Record, Schema
from makiserve.records.emitted_fields import attribute_of
from makiserve.scoring import Served
from makiserve.stream.engine.follow import Followed, Follower
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.stage import State


@dataclass(frozen=True)
class RecordTrace:
    """The path of a record through the pipeline and the model.

    Attributes:
        source: the source that contains the record.
        offset: its position in the source.
        lane: the lane that it belongs to.
        record: the typed record, or the error if it does not fit its schema.
        followed: its path through the feature pipeline; None if it does not fit its schema.
        predictions: the model's prediction for each of its rows.
        published: its outputs, as JSON.
        error: why it is a dead letter; None if it is not one.
    """

    source: str
    offset: int
    lane: Hashable
    record: Record | DecodeError
    followed: Followed | None
    predictions: list[Any]
    published: list[bytes]
    error: RecordError | None


@dataclass(frozen=True)
class _Target:
    """The record to trace: the one at an offset, or the first with a key."""

    source: str | None
    offset: int | None
    key: str | None

    def find(self, block: Block) -> int | None:
        """Return its index in a block; None if the block does not contain it."""
        if self.source not in (None, block.source):
            return None
        if self.offset is not None:
            return next((index for index, offset in enumerate(block.offsets) if offset == self.offset), None)
        keys = map(_text, block.lanes or block.keys or ())
        return next((index for index, key in enumerate(keys) if key == self.key), None)


def trace_record(
    model: Served,
    plan: Plan,
    sources: Sequence[Source],
    which: str,
    *,
    lane_by: str | None = None,
    na_values: Iterable[str] | None = None,
) -> RecordTrace:
    """Replay up to a record, and trace that record.

    Args:
        model: the model to replay.
        plan: its feature pipeline.
        sources: of the records.
        which: an offset, `source@offset`, or a key. A key selects the first record that has it.
        lane_by: as in `replay`.
        na_values: as in `replay`.

    Raises:
        ConfigurationError: the record does not exist.
    """
    schema, target = Schema(model.record, na_values), _target(which, sources)
    attribute = attribute_of(schema, lane_by, "lane_by") if lane_by else None
    lanes, follower = lanes_of(model.scorer(), schema, lane_by), Follower(plan)
    states: dict[Hashable, State] = {}
    for source in sources:
        lanes.begin_source()
        for block in source.blocks(schema):
            keyed = block._replace(lanes=_lanes(block, attribute)) if attribute else block
            index = target.find(keyed)
            for lane, records in _by_lane(keyed.cut(0, index)):
                follower.pass_by(records, states.setdefault(lane, follower.new_state()))
            lanes.rebuild(block.cut(0, index))
            if index is None:
                continue
            lane = keyed.lanes[index] if keyed.lanes else block.source
            record = block.records[index]
            state = states.setdefault(lane, follower.new_state())
            followed = None if isinstance(record, DecodeError) else follower.follow(record, state)
            traced, scored = lanes.score(block.cut(index, index + 1))
            encoded = model.outputs().encode(scored, traced.records)
            error = encoded.dead[0][1] if encoded.dead else None
            offset = block.offsets[index]
            return RecordTrace(block.source, offset, lane, record, followed, scored.predictions, encoded.values, error)
    raise ConfigurationError(
        f"--trace {which}: no such record. Give an offset, SOURCE@OFFSET, or a key; the sources are "
        f"{', '.join(source.name for source in sources)}"
    )


def _target(which: str, sources: Sequence[Source]) -> _Target:
    place = re.fullmatch(r"(?:(.+)@)?(\d+)", which)
    if not place:
        return _Target(None, None, which)
    if place[1] is None and len(sources) > 1:
        raise ConfigurationError(f"--trace {which}: there are several sources, so give SOURCE@OFFSET")
    return _Target(place[1], int(place[2]), None)


def _lanes(block: Block, attribute: str) -> list[Any]:
    return [None if isinstance(record, DecodeError) else getattr(record, attribute) for record in block.records]


def _by_lane(block: Block) -> Iterator[tuple[Hashable, list[Any]]]:
    """Yield each lane with its records, without those that do not fit their schema."""
    parts: dict[Hashable, list[Any]] = {}
    for lane, record in zip(block.lanes or [block.source] * len(block.records), block.records, strict=True):
        if not isinstance(record, DecodeError):
            parts.setdefault(lane, []).append(record)
    yield from parts.items()


def _text(key: Any) -> str:
    if isinstance(key, bytes):
        return key.decode(errors="replace")
    return key if isinstance(key, str) else msgspec.json.encode(key).decode()
