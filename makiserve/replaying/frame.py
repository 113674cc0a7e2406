"""Training data: the features of a file, from the engine that will serve them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd

from makiserve.errors import DecodeError, PipelineError, RecordError
from makiserve.schema import Record, RecordFile, Schema
from makiserve.schema.fields import field_names, field_values
from makiserve.scoring import Batch, Scorer
from makiserve.stream.engine.trace import Transform, trace

logger = logging.getLogger(__name__)


def features_frame(
    features: Callable[[], Transform], *, record: type[Record], source: str | Path | Iterable[Record]
) -> pd.DataFrame:
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
    scorer = Scorer(trace(features()))
    lane = scorer.new_lane()
    offsets: list[int] = []
    found: list[object] = []
    dead: list[tuple[int, RecordError]] = []
    position = 0
    for block in _blocks(source, Schema(record)):
        (scored,) = scorer.score([Batch(lane, block)])
        offsets += [position + cause for cause in scored.causes]
        found += scored.features
        dead += [(position + index, error) for index, error in scored.dead]
        position += len(block)
    frame = _frame(found, offsets)
    frame.attrs["dead_letters"] = len(dead)
    if dead:
        logger.warning("%d of %d records are dead letters; the first, at offset %d: %s", len(dead), position, *dead[0])
    return frame


def _blocks(source: str | Path | Iterable[Record], schema: Schema) -> Iterable[list[Record | DecodeError]]:
    if isinstance(source, (str, Path)):
        return RecordFile(Path(source), schema)
    return [list(source)]


def _frame(found: list[object], offsets: list[int]) -> pd.DataFrame:
    index = pd.Index(offsets, name="offset", dtype="int64")
    if not found:
        return pd.DataFrame(index=index)
    names = field_names(type(found[0]))
    if names is None:
        raise PipelineError(
            f"the pipeline emits {type(found[0]).__name__}: a frame needs a named tuple, Record or dataclass"
        )
    return pd.DataFrame([field_values(item, names) for item in found], columns=list(names), index=index)
