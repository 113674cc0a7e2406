"""Training data: the features of recorded data, from the engine that will serve them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any, Literal, get_args

from makiserve.errors import ArgumentError
from makiserve.offline.emitted import EmittedRows
from makiserve.offline.feed import Selection, feed, score
from makiserve.offline.labels import LabelAhead, ahead_from
from makiserve.offline.lane_labels import LabelColumn
from makiserve.offline.lanes import lanes_of
from makiserve.offline.sinks import KEPT_DEAD, DeadLetters, Unseen, all_failed
from makiserve.offline.sources import Given, sources_from
from makiserve.offline.time_order import time_order
from makiserve.records import Record, Schema
from makiserve.records.emitted_fields import attribute_of
from makiserve.records.order import order_from
from makiserve.scoring import Scorer
from makiserve.stream.engine.advice import warn_of_running_windows
from makiserve.stream.engine.trace import Transform, trace_factory

logger = logging.getLogger(__name__)

Form = Literal["pandas", "polars", "arrow"]
FORMS = get_args(Form)


def features_frame(
    source: Given,
    *,
    features: Callable[[], Transform],
    record: type[Record],
    lane_by: str | None = None,
    time: str | None = None,
    tie_by: str | Sequence[str] = (),
    label: str | None = None,
    label_ahead: LabelAhead = 0,
    emit_from: int | date | str = 0,
    as_: Form = "pandas",
    na_values: Iterable[str] | None = None,
) -> Any:
    """Return the features that a live stream of these records would emit, one row for each.

    A stream does not end, so windows that are still open at the end of the source emit nothing. Training therefore sees
    the same features as serving.

    Args:
        source: a data frame of pandas, Polars, DuckDB or any other library with the Arrow stream interface; or files,
            patterns, folders, tables (`delta:PATH@VERSION`, `iceberg:CATALOG.TABLE@SNAPSHOT`), a `TopicSpan`, dicts or
            records. Each file, table and partition is a lane.
        features: the factory of the pipeline.
        record: the type of the records.
        lane_by: a field. Each of its values is a lane, for many entities in one source. The order of the files, and of
            the records in them, matters.
        time: the field with the event time. Data frames and tables are sorted by it. Every other source already has
            an order, and each of its lanes must be sorted by this field. None to take the records as they come.
        tie_by: fields that decide between records of a lane with the same time, such as a sequence number.
        label: the field with the true value, for a column `label`. It is read from the record that caused the row, or
            from a later record of its lane.
        label_ahead: how far the label is ahead, within the lane: a number of records, or a duration such as `1h`,
            which selects the first record this far ahead or later. A duration needs `time`.
        emit_from: the first record that may cause rows: an offset, or a time, which needs `time`. Earlier records only
            build up state, so the rows after them are complete.
        as_: what to return: a pandas or Polars data frame, or an Arrow table.
        na_values: the cells of a CSV file that are None for an optional field, in addition to empty ones: `["-999"]`.
            By default those of pandas: NA, N/A, NaN, null, None and others.

    Returns:
        A column for each field of the pipeline's items, with the name that `makiserve.field(name=…)` gives it. In
        pandas, the index `offset` is the position of the record that caused the row, from 0: in the order of `time` if
        there is one. With `lane_by`, `time` and several sources, the index also has their values. In Polars and Arrow
        these are the first columns. No feature may have one of these names: `offset`, `source`, and those of the
        fields `lane_by` and `time`. Records that became dead letters are logged. In pandas, `attrs` has their number,
        `dead_letters`, and the names of the `sources`, tables with their version.

    Raises:
        SourceError: a source cannot be read, a lane is not in order, or a record has no lane or no unique place in it.
        ConfigurationError: a named field does not exist, the topic does not exist, or every record failed.
        PipelineError: the pipeline cannot be traced, or emits items without named fields or with one that has the name
            of a column of the position.

    Warns:
        PipelineWarning: a window's pipeline emits several rows for each record.
    """
    schema, plan = Schema(record, na_values), trace_factory(features)
    warn_of_running_windows(plan, stacklevel=2)
    if as_ not in FORMS:
        raise ArgumentError("as_", as_, f"must be {' or '.join(map(repr, FORMS))}")
    order = order_from(time, tie_by, lane_by)
    scorer, selection = Scorer(plan), Selection(emit_from)
    ahead, moment = ahead_from(label_ahead, label, order, schema), time and (time, attribute_of(schema, time, "time"))
    labels = LabelColumn(attribute_of(schema, label, "label"), ahead) if label else None
    rows = EmittedRows(lane_by, moment or None, labels, is_packed=as_ != "pandas")
    dead, unseen = DeadLetters(KEPT_DEAD), Unseen(schema)
    late = None if order else time_order(scorer.plans[0], schema)
    sources = sources_from(source, order)
    taking = [sink for sink in (rows, dead, unseen, late) if sink is not None]
    fed = feed(score(lanes_of(scorer, schema, lane_by), schema, sources, selection, None, order), taking, sources)
    unseen.report()
    if late:
        late.report()
    failed = dead.reasons.total()
    if failed == fed.records > 0:
        raise all_failed(fed.records, dead.first[0])
    if failed:
        logger.warning(
            "%d of %d records are dead letters; the first, at %s@%d: %s", failed, fed.records, *dead.first[0]
        )
    if as_ == "pandas":
        frame = rows.to_pandas()
        frame.attrs |= {"dead_letters": failed, "sources": [source.name for source in sources]}
        return frame
    return rows.to_polars() if as_ == "polars" else rows.to_arrow()
