"""Training data: the features of a file, from the engine that will serve them."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pandas as pd

from makiserve.replaying.collect import Collected, DeadLetters, features_columns
from makiserve.replaying.feed import feed
from makiserve.replaying.sources import Given, sources_from
from makiserve.schema import Record, Schema
from makiserve.scoring import Scorer
from makiserve.stream.engine.trace import Transform, trace

logger = logging.getLogger(__name__)


def features_frame(features: Callable[[], Transform], *, record: type[Record], source: Given) -> pd.DataFrame:
    """The features that a live stream of these records would emit, one row for each.

    A stream does not end, so windows that are still open at the end of the file emit nothing: training sees what
    serving will see.

    Args:
        features: the factory of the pipeline.
        record: the type of the records.
        source: a CSV or JSON lines file, or the records themselves; one lane.

    Returns:
        A column for each field of what the pipeline emits. The index, `offset`, is the position of the record that
        caused the row, from 0. Records that became dead letters are logged and counted in `attrs["dead_letters"]`.

    Raises:
        SourceError: the file cannot be read.
        PipelineError: the pipeline cannot be traced, or emits items without named fields.
    """
    collected, dead = Collected(features=True), DeadLetters()
    fed = feed(Scorer(trace(features())), Schema(record), sources_from(source), [collected, dead])
    frame = features_columns(collected.features)
    frame.index = _index(collected)
    frame.attrs["dead_letters"] = len(dead.letters)
    if dead.letters:
        first = dead.letters[0]
        logger.warning(
            "%d of %d records are dead letters; the first, at %s@%d: %s", len(dead.letters), fed.records, *first
        )
    return frame


def _index(collected: Collected) -> pd.Index:
    """The positions: offsets alone, where there is one source."""
    if len(set(collected.sources)) > 1:
        return pd.MultiIndex.from_arrays([collected.sources, collected.offsets], names=["source", "offset"])
    return pd.Index(collected.offsets, name="offset", dtype="int64")
