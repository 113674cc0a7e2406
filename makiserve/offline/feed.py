"""Which part of a replay is shown: from where on, how many, one in how many."""

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
    """What is shown of a replay; state sees every record up to the last, so that what is shown is what it always is.

    Attributes:
        start_at: the offset, in each source, of the first record that is shown.
        limit: how many records are scored from there on, over all sources; None for all.
        sample: the part of the outputs that is shown, over 0 to 1; the same ones each time.

    Raises:
        ArgumentError: one of them is out of its range.
    """

    start_at: int = 0
    limit: int | None = None
    sample: float = 1.0

    def __post_init__(self) -> None:
        if self.start_at < 0:
            raise ArgumentError("start_at", self.start_at, "it must be an offset, 0 or more")
        if self.limit is not None and self.limit < 1:
            raise ArgumentError("limit", self.limit, "it must be a number of records, 1 or more")
        if not 0 < self.sample <= 1:
            raise ArgumentError("sample", self.sample, "it must be a part of the outputs, more than 0 and at most 1")

    def sampled(self, scored: Scored, offsets: Sequence[int]) -> Scored:
        """The outputs that are in the sample; dead letters are all shown."""
        if self.sample == 1:
            return scored
        chosen = self._chosen(scored.causes, offsets)
        posted = scored.posted
        if posted is not None:
            shown = self._chosen(posted.causes, offsets)
            posted = posted._replace(
                causes=[posted.causes[index] for index in shown], items=[posted.items[index] for index in shown]
            )
        return Scored(
            [scored.causes[index] for index in chosen],
            [scored.features[index] for index in chosen],
            [scored.predictions[index] for index in chosen],
            scored.dead,
            posted,
        )

    def _chosen(self, causes: list[int], offsets: Sequence[int]) -> list[int]:
        hashes = np.array([offsets[cause] for cause in causes], np.uint64) * GOLDEN
        return [int(index) for index in np.nonzero(hashes < np.uint64(self.sample * 2**64))[0]]


Progress = Callable[[int, float | None], None]
"""Called now and then with the number of records so far, and the part of all that is read, from 0 to 1, or None."""


class Readable(Protocol):
    """How far a source is, as `Source` has it."""

    @property
    def size(self) -> int | None: ...
    @property
    def read(self) -> int: ...


class FeedProgress(NamedTuple):
    """How many records there were, and how many outputs came of them."""

    records: int
    outputs: int


def score(
    lanes: Lanes, schema: Schema, sources: Iterable[Source], selection: Selection, form: Outputs | None
) -> Iterator[tuple[Block, Scored]]:
    """Score every record of every source; what each block became, in order.

    Args:
        lanes: that score.
        schema: of the records.
        sources: one after the other.
        selection: what is shown.
        form: what is published: a record of which it cannot be is a dead letter, as in serving. None where nothing is.

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
    """Give the sinks what was scored; what none of them needs is left out.

    Args:
        scored: blocks in order.
        sinks: where it goes.
        sources: where it comes from: they know how far it has come.
        progress: is told of it.

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
        outputs += len((found.posted or found).causes)
        if progress:
            progress(records, _part(sources))
    return FeedProgress(records, outputs)


def _part(sources: Sequence[Readable]) -> float | None:
    sizes = [source.size for source in sources]
    total = sum(size for size in sizes if size is not None)
    return sum(source.read for source in sources) / total if total and None not in sizes else None
