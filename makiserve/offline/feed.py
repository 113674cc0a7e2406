"""Feed a replay to its sinks: score the sources, and select by start, limit and sample which outputs are shown."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from makiserve.errors import ArgumentError
from makiserve.offline.collect import Sink
from makiserve.offline.lanes import Lanes
from makiserve.offline.sources import Block, Source
from makiserve.records import Schema
from makiserve.scoring import Outputs, Scored

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""2⁶⁴ over the golden ratio: multiples of it are spread evenly, whatever the step (Knuth, 6.4)."""


@dataclass(frozen=True)
class Selection:
    """The part of a replay that is shown. It does not change any output: state includes every earlier record.

    Attributes:
        start_at: the offset, in each source, of the first record that is shown.
        limit: maximum number of records that are scored from there on, over all sources; None for all.
        sample: the fraction of the outputs that is shown, more than 0 and at most 1. The same outputs are in the sample
            each time.

    Raises:
        ArgumentError: an attribute is out of range.
    """

    start_at: int = 0
    limit: int | None = None
    sample: float = 1.0

    def __post_init__(self) -> None:
        if self.start_at < 0:
            raise ArgumentError("start_at", self.start_at, "must be an offset, 0 or more")
        if self.limit is not None and self.limit < 1:
            raise ArgumentError("limit", self.limit, "must be a number of records, 1 or more")
        if not 0 < self.sample <= 1:
            raise ArgumentError("sample", self.sample, "must be a share of the outputs, more than 0 and at most 1")

    def sampled(self, scored: Scored, offsets: Sequence[int]) -> Scored:
        """Return the outputs that are in the sample, and all dead letters."""
        if self.sample == 1:
            return scored
        hashes = np.array(offsets, np.uint64) * GOLDEN
        chosen = frozenset(np.flatnonzero(hashes < np.uint64(self.sample * 2**64)).tolist())
        return scored.take(chosen.__contains__)


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
    lanes: Lanes, schema: Schema, sources: Iterable[Source], selection: Selection, form: Outputs | None
) -> Iterator[tuple[Block, Scored]]:
    """Score the sources; yield each block with its outputs, in order.

    Args:
        lanes: score the blocks.
        schema: of the records.
        sources: scored one after the other.
        selection: the part that is shown.
        form: what is published. A record whose output cannot be published is a dead letter, as in serving. None if
            nothing is published.

    Raises:
        SourceError: a source cannot be read.
    """
    left = selection.limit
    for source in sources:
        lanes.begin_source()
        for block in source.blocks(schema):
            first = bisect_left(block.offsets, selection.start_at)
            if first:
                lanes.rebuild(block.cut(0, first))
            shown = block.cut(first, None if left is None else first + left)
            if shown.offsets:
                found, scored = lanes.score(shown)
                published = form.writable(scored, found.records) if form else scored
                yield found, selection.sampled(published, found.offsets)
            if left is not None:
                left -= len(shown.offsets)
                if not left:
                    return


def feed(
    scored: Iterable[tuple[Block, Scored]],
    sinks: Sequence[Sink],
    sources: Sequence[Readable],
    progress: Progress | None = None,
) -> FeedProgress:
    """Pass scored blocks to the sinks, without records or features if no sink needs them.

    Args:
        scored: blocks in order.
        sinks: receive the blocks.
        sources: the sources of the blocks, which know how much of them has been read.
        progress: called after each block.

    Raises:
        SourceError: a sink cannot write.
    """
    records = outputs = 0
    needs_records = any(each.needs_records for each in sinks)
    needs_features = any(each.needs_features for each in sinks)
    for block, found in scored:
        shown = block if needs_records else block._replace(records=())
        reduced = found if needs_features else found._replace(features=[])
        for sink in sinks:
            sink.take(shown, reduced)
        records += len(block.offsets)
        outputs += found.published
        if progress:
            progress(records, _part(sources))
    return FeedProgress(records, outputs)


def _part(sources: Sequence[Readable]) -> float | None:
    sizes = [source.size for source in sources]
    total = sum(size for size in sizes if size is not None)
    return sum(source.read for source in sources) / total if total and None not in sizes else None
