"""Sources → scorer → sinks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from makiserve.replaying.sink import Sink
from makiserve.replaying.sources import Block, Source
from makiserve.schema import Schema
from makiserve.scoring import Batch, Scored, Scorer

Progress = Callable[[int, float | None], None]
"""Called after each block with the number of its records, and the part of all that is read, from 0 to 1, or None."""


class Fed(NamedTuple):
    """How many records there were, and how many outputs came of them."""

    records: int
    outputs: int


def feed(
    scorer: Scorer, schema: Schema, sources: Sequence[Source], sinks: Sequence[Sink], progress: Progress | None = None
) -> Fed:
    """Score every record of every source, each source a lane, and give the sinks what comes of it.

    Raises:
        SourceError: a source cannot be read, or a sink cannot write.
    """
    records = outputs = 0
    with_records = any(sink.needs_records for sink in sinks)
    with_features = any(sink.needs_features for sink in sinks)
    for source in sources:
        for block, scored in _scored(scorer, source.blocks(schema)):
            seen = block if with_records else block._replace(records=())
            shown = scored if with_features else scored._replace(features=[])
            for sink in sinks:
                sink.take(seen, shown)
            records += len(block.offsets)
            outputs += scored.published
            if progress:
                progress(len(block.offsets), _part(sources))
    return Fed(records, outputs)


def _scored(scorer: Scorer, blocks: Iterator[Block]) -> Iterator[tuple[Block, Scored]]:
    lane = scorer.new_lane()
    for block in blocks:
        (scored,) = scorer.score([Batch(lane, block.records)])
        yield block, scored


def _part(sources: Sequence[Source]) -> float | None:
    sizes = [source.size for source in sources]
    total = sum(size for size in sizes if size is not None)
    return sum(source.read for source in sources) / total if total and None not in sizes else None
