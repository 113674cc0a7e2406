"""Training data: the features of a file, from the engine that will serve them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd

from makiserve.errors import PipelineError
from makiserve.offline.collect import DeadLetters, all_failed
from makiserve.offline.feed import Selection, feed, score
from makiserve.offline.lanes import lanes_of
from makiserve.offline.sources import Block, Given, sources_from
from makiserve.offline.time_order import time_order
from makiserve.offline.unseen import Unseen
from makiserve.records import Record, Schema
from makiserve.records.fields import field_names, field_titles, field_values
from makiserve.scoring import Scored, Scorer
from makiserve.stream.engine.advice import warn_of_running_windows
from makiserve.stream.engine.trace import Transform, trace_factory

logger = logging.getLogger(__name__)


def features_frame(
    features: Callable[[], Transform],
    *,
    record: type[Record],
    source: Given,
    lane_by: str | None = None,
    na_values: Iterable[str] | None = None,
) -> pd.DataFrame:
    """Return the features that a live stream of these records would emit, one row for each.

    A stream does not end, so windows that are still open at the end of the file emit nothing. Training therefore sees
    the same features as serving.

    Args:
        features: the factory of the pipeline.
        record: the type of the records.
        source: anything that can be replayed: files, patterns, folders, a `TopicSpan`; or the rows themselves as a data
            frame, an Arrow table, dicts or records. Each file and each partition is a lane.
        lane_by: a field. Each of its values is a lane, for many entities in one file. The order of the files, and of
            the records in them, matters.
        na_values: the cells of a CSV file that are None for an optional field, in addition to empty ones: `["-999"]`.
            By default those of pandas: NA, N/A, NaN, null, None and others.

    Returns:
        A column for each field of the pipeline's items, with the name that `makiserve.field(name=…)` gives it. The
        index, `offset`, is the position of the record that caused the row, from 0. With several sources the index is
        `source` and `offset`. With `lane_by`, the value of that field comes first. Records that became dead letters are
        logged and counted in `attrs["dead_letters"]`.

    Raises:
        SourceError: a source cannot be read.
        ConfigurationError: `lane_by` is not a field, the topic does not exist, or every record failed.
        PipelineError: the pipeline cannot be traced, or emits items without named fields.

    Warns:
        PipelineWarning: a window's pipeline emits several rows for each record.
    """
    schema, plan = Schema(record, na_values), trace_factory(features)
    warn_of_running_windows(plan, stacklevel=2)
    scorer = Scorer(plan)
    rows, dead, order = _Rows(lane_by), DeadLetters(), time_order(scorer.plans[0], schema)
    unseen = Unseen(schema)
    sources = sources_from(source)
    taking = [sink for sink in (rows, dead, unseen, order) if sink is not None]
    fed = feed(score(lanes_of(scorer, schema, lane_by), schema, sources, Selection(), None), taking, sources)
    unseen.report()
    if order:
        order.report()
    if len(dead.letters) == fed.records > 0:
        raise all_failed(fed.records, dead.letters[0])
    frame = rows.frame()
    frame.attrs["dead_letters"] = len(dead.letters)
    if dead.letters:
        count, first = len(dead.letters), dead.letters[0]
        logger.warning("%d of %d records are dead letters; the first, at %s@%d: %s", count, fed.records, *first)
    return frame


class _Rows:
    """The items that the pipeline emitted, with the positions of their records."""

    needs_records = False
    needs_features = True

    def __init__(self, lane_by: str | None) -> None:
        self._lane_by = lane_by
        self._lanes: list[Any] = []
        self._sources: list[str] = []
        self._offsets: list[int] = []
        self._features: list[Any] = []

    def take(self, block: Block, scored: Scored) -> None:
        self._lanes += [block.lanes[cause] for cause in scored.causes] if block.lanes else []
        self._sources += [block.source] * len(scored.causes)
        self._offsets += [block.offsets[cause] for cause in scored.causes]
        self._features += scored.features

    def frame(self) -> pd.DataFrame:
        """Return a column for each field, indexed by position."""
        if not self._features:
            return pd.DataFrame(index=self._index())
        names = field_names(type(self._features[0]))
        if names is None:
            raise PipelineError(
                f"the pipeline emits {type(self._features[0]).__name__}: a frame needs a named tuple, Record or "
                "dataclass"
            )
        rows = [field_values(item, names) for item in self._features]
        titles = field_titles(type(self._features[0]))
        return pd.DataFrame(rows, columns=[titles[name] for name in names], index=self._index())

    def _index(self) -> pd.Index:
        levels: dict[str, Any] = {self._lane_by: self._lanes} if self._lane_by else {}
        if len(set(self._sources)) > 1:
            levels["source"] = self._sources
        if not levels:
            return pd.Index(self._offsets, name="offset", dtype="int64")
        levels["offset"] = self._offsets
        return pd.MultiIndex.from_arrays(list(levels.values()), names=list(levels))
