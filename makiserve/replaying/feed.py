"""Sources → scorer → sinks."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from makiserve.replaying.lanes import Lanes
from makiserve.replaying.select import Selection
from makiserve.replaying.sink import Sink
from makiserve.replaying.sources import Block, Source
from makiserve.schema import Schema
from makiserve.scoring import Outputs, Scored

Progress = Callable[[int, float | None], None]
"""Called now and then with the number of records so far, and the part of all that is read, from 0 to 1, or None."""


class Readable(Protocol):
    """How far a source is, as `Source` has it."""

    @property
    def size(self) -> int | None: ...
    @property
    def read(self) -> int: ...


class Fed(NamedTuple):
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
) -> Fed:
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
    return Fed(records, outputs)


def _part(sources: Sequence[Readable]) -> float | None:
    sizes = [source.size for source in sources]
    total = sum(size for size in sizes if size is not None)
    return sum(source.read for source in sources) / total if total and None not in sizes else None
