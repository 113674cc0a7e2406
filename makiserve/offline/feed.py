"""Feed a replay to its sinks: score the sources, and select by start, limit and sample which outputs are shown."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple, Protocol

import numpy as np

from makiserve.errors import ArgumentError, DecodeError
from makiserve.offline.lanes import Lanes
from makiserve.offline.sinks import Sink
from makiserve.offline.sources import Block, Source
from makiserve.records import Record, Schema
from makiserve.records.order import LaneOrder, Order, clock_of, microseconds
from makiserve.scoring import Outputs, Scored

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""2⁶⁴ over the golden ratio: multiples of it are spread evenly, whatever the step (Knuth, 6.4)."""


@dataclass(frozen=True)
class Selection:
    """The part of a replay that is shown. It does not change any output: state includes every earlier record.

    Attributes:
        emit_from: the first record that is shown: its offset in each source, or a time, of the field that the records
            are ordered by. As text, `100` is an offset and `2026-11-25T10:00` is a time (UTC).
        limit: maximum number of records that are scored from there on, over all sources; None for all.
        sample: the fraction of the outputs that is shown, more than 0 and at most 1. The same outputs are in the sample
            each time.

    Raises:
        ArgumentError: an attribute is out of range.
    """

    emit_from: int | date | str = 0
    limit: int | None = None
    sample: float = 1.0

    def __post_init__(self) -> None:
        if not isinstance(self.first, (int, date)) or (isinstance(self.first, int) and self.first < 0):
            raise ArgumentError("emit_from", self.emit_from, "must be an offset, 0 or more, or a time")
        if self.limit is not None and self.limit < 1:
            raise ArgumentError("limit", self.limit, "must be a number of records, 1 or more")
        if not 0 < self.sample <= 1:
            raise ArgumentError("sample", self.sample, "must be a share of the outputs, more than 0 and at most 1")

    @property
    def first(self) -> int | date:
        """The offset or the time of the first record that is shown."""
        if not isinstance(self.emit_from, str):
            return self.emit_from
        try:
            return int(self.emit_from)
        except ValueError:
            return _time(self.emit_from)

    def sampled(self, scored: Scored, offsets: Sequence[int]) -> Scored:
        """Return the outputs that are in the sample, and all dead letters."""
        if self.sample == 1:
            return scored
        hashes = np.array(offsets, np.uint64) * GOLDEN
        chosen = frozenset(np.flatnonzero(hashes < np.uint64(self.sample * 2**64)).tolist())
        return scored.take(chosen.__contains__)


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.removesuffix("Z") + "+00:00" * text.endswith("Z"))
    except ValueError:
        raise ArgumentError("emit_from", text, "must be an offset or a time such as 2026-11-25T10:00") from None


class Beginning:
    """Where the output of a replay begins.

    Args:
        selection: of the replay.
        order: of the records; None if they have no order by time.
        schema: of the records.

    Raises:
        ArgumentError: it begins at a time, but the records have no order by time.
    """

    def __init__(self, selection: Selection, order: Order | None, schema: Schema) -> None:
        first = selection.first
        self._offset = first if isinstance(first, int) else 0
        is_time = not isinstance(first, int)
        self._clock = clock_of(order, schema, "emit_from", selection.emit_from) if is_time else None
        self._moment = 0 if isinstance(first, int) else microseconds(first)

    def split(self, block: Block) -> tuple[int, frozenset[int]]:
        """Return the number of early records at the beginning of a block, and the indexes of others in the rest of it.

        In a source with several lanes, the early records of one lane can follow later ones of another.
        """
        first = bisect_left(block.offsets, self._offset)
        if self._clock is None:
            return first, frozenset()
        late = [index for index, record in enumerate(block.records) if not self._is_early(record)]
        first = late[0] if late else len(block.records)
        return first, frozenset(range(len(block.records) - first)).difference(index - first for index in late)

    def _is_early(self, record: Record | DecodeError) -> bool:
        if self._clock is None or isinstance(record, DecodeError):
            return False
        return microseconds(getattr(record, self._clock)) < self._moment


Progress = Callable[[int, float | None], None]
"""Called from time to time with the number of records so far and the fraction that has been read, 0 to 1 or None."""


class Readable(Protocol):
    """The size of a source and how much of it has been read, as in `Source`."""

    @property
    def size(self) -> int | None: ...
    @property
    def read(self) -> int: ...


class FeedProgress(NamedTuple):
    """The number of records, and of the outputs that they caused."""

    records: int
    outputs: int


def score(
    lanes: Lanes,
    schema: Schema,
    sources: Iterable[Source],
    selection: Selection,
    form: Outputs | None,
    order: Order | None = None,
) -> Iterator[tuple[Block, Scored]]:
    """Score the sources; yield each block with its outputs, in order.

    Args:
        lanes: score the blocks.
        schema: of the records.
        sources: scored one after the other.
        selection: the part that is shown.
        form: what is published. A record whose output cannot be published is a dead letter, as in serving. None if
            nothing is published.
        order: the order that the lanes must have; None to accept any.

    Raises:
        SourceError: a source cannot be read, or a lane is not in order.
    """
    left, beginning = selection.limit, Beginning(selection, order, schema)
    in_order = LaneOrder(order, schema) if order else None
    for source in sources:
        lanes.begin_source()
        for block in source.blocks(schema):
            if in_order:
                in_order.check(block.source, block.offsets, block.records)
            first, early = beginning.split(block)
            if first:
                lanes.rebuild(block.cut(0, first))
            shown = block.cut(first, None if left is None else first + left)
            if shown.offsets:
                keyed, scored = lanes.score(shown)
                if early:
                    scored = scored.take(frozenset(range(len(shown.offsets))).difference(early).__contains__)
                published = form.writable(scored, keyed.records) if form else scored
                yield keyed, selection.sampled(published, keyed.offsets)
            if left is not None:
                left -= len(shown.offsets)
                if not left:
                    return


def feed(
    scored_blocks: Iterable[tuple[Block, Scored]],
    sinks: Sequence[Sink],
    sources: Sequence[Readable],
    progress: Progress | None = None,
) -> FeedProgress:
    """Pass scored blocks to the sinks, without records or features if no sink needs them.

    Args:
        scored_blocks: in order.
        sinks: receive the blocks.
        sources: the sources of the blocks, which know how much of them has been read.
        progress: called after each block.

    Raises:
        SourceError: a sink cannot write.
    """
    records = outputs = 0
    needs_records = any(sink.needs_records for sink in sinks)
    needs_features = any(sink.needs_features for sink in sinks)
    for block, scored in scored_blocks:
        shown = block if needs_records else block._replace(records=())
        reduced = scored if needs_features else scored._replace(features=[])
        for sink in sinks:
            sink.take(shown, reduced)
        records += len(block.offsets)
        outputs += scored.published
        if progress:
            progress(records, _part(sources))
    return FeedProgress(records, outputs)


def _part(sources: Sequence[Readable]) -> float | None:
    sizes = [source.size for source in sources]
    total = sum(size for size in sizes if size is not None)
    return sum(source.read for source in sources) / total if total and None not in sizes else None
