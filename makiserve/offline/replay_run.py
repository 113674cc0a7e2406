"""Replay: score records offline and return their outputs, metrics and report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from time import perf_counter
from typing import Any

import pandas as pd

from makiserve.artifact import FeaturesOnly, PackagedModel, load
from makiserve.errors import ArgumentError, ConfigurationError
from makiserve.offline.feed import Progress, Selection, feed, score
from makiserve.offline.labels import LabelAhead, ahead_from
from makiserve.offline.lanes import lanes_of
from makiserve.offline.metrics.collector import MetricsCollector
from makiserve.offline.metrics.quality import Metrics
from makiserve.offline.output import output_file
from makiserve.offline.parallel.spread import processes_for, spread
from makiserve.offline.report import Report
from makiserve.offline.sinks import KEPT_DEAD, Collected, DeadLetters, ReplayedDeadLetter, Sink, Unseen, all_failed
from makiserve.offline.sources import Given, sources_from
from makiserve.offline.time_order import time_order
from makiserve.records import Schema
from makiserve.records.emitted_fields import attribute_of
from makiserve.records.order import order_from

SHOWN = 10


@dataclass(frozen=True)
class Replayed:
    """The result of a replay.

    Attributes:
        rows: records read.
        written: outputs of these records.
        dead: the records that could not be scored; only the first of them if nothing was collected.
        reasons: number of dead letters by reason.
        seconds: duration, without loading the model.
        metrics: the quality of the predictions; None if no label was given.
        report: a page of plots; None if none was requested.
        output: the file with the outputs; None if none was written.
        collected: all outputs, in columns; None if the replay did not collect them.
    """

    rows: int
    written: int
    dead: list[ReplayedDeadLetter] = field(repr=False)
    reasons: Counter[str]
    seconds: float
    metrics: Metrics | None = None
    report: Report | None = field(default=None, repr=False)
    output: Path | None = None
    collected: Collected | None = field(default=None, repr=False)

    @property
    def outputs(self) -> list[tuple[int, Any]]:
        """Offset and prediction of each output, in order, source by source.

        With `emit` or a post pipeline, the published output takes the place of the prediction.
        """
        collected = self._all()
        return list(zip(collected.offsets, collected.values(), strict=True))

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each output: its position, key, prediction, and the other columns that were requested."""
        return self._all().frame()

    def _repr_html_(self) -> str:
        """Return HTML for a notebook: the report if there is one, otherwise counts, metrics and the first outputs."""
        if self.report:
            page = escape(self.report.html(), quote=True)
            return f'<iframe srcdoc="{page}" style="width: 100%; height: 40em; border: 0"></iframe>'
        counts = {"records": self.rows, "outputs": self.written, "dead letters": self.reasons.total()}
        parts = [pd.DataFrame({name: [f"{count:,}"] for name, count in counts.items()}).to_html(index=False)]
        if self.metrics:
            figures = {"model": self.metrics.figures, **self.metrics.baselines}
            parts.append(pd.DataFrame(figures).to_html(float_format="{:.6g}".format, na_rep=""))
        if self.collected:
            parts.append(self.frame.head(SHOWN).to_html(index=False))
        return "\n".join(parts)

    def _all(self) -> Collected:
        if self.collected is None:
            raise ConfigurationError(
                "the replay did not collect its outputs: read them from the file that they were written to"
            )
        return self.collected


ALL = Selection()


def replay(
    model: str | PackagedModel | FeaturesOnly,
    source: Given,
    *,
    output: str | Path | None = None,
    label: str | None = None,
    label_ahead: LabelAhead = 0,
    by: str | Sequence[str] = (),
    report: bool = False,
    emit: str | Sequence[str] = (),
    lane_by: str | None = None,
    time: str | None = None,
    tie_by: str | Sequence[str] = (),
    selection: Selection = ALL,
    processes: int | None = None,
    collect: bool = True,
    na_values: Iterable[str] | None = None,
    sinks: Sequence[Sink] = (),
    progress: Progress | None = None,
) -> Replayed:
    """Score records as the lanes of the service would, with the same code.

    Args:
        model: the URI of a packaged model, a loaded model, or a pipeline alone (`features_only`).
        source: a file, a pattern, a folder of part files, a table (`delta:PATH@VERSION`,
            `iceberg:CATALOG.TABLE@SNAPSHOT`), several of these, a `TopicSpan`; or a data frame of any library, an Arrow
            table, dicts or records. Each file, table and partition is a lane.
        output: a CSV, Parquet or JSON lines file for the outputs. The suffix selects the format. The file appears only
            when it is complete.
        label: the field with the true value. It is read from the record that caused the prediction, or from the record
            that follows it in the lane by `label_ahead`.
        label_ahead: how far the label is ahead, for a model that predicts ahead, within the lane: a number of records,
            or a duration such as `1h` (needs `time`), which selects the first record this far ahead or later.
        by: fields of the record that caused the prediction, to measure groups separately.
        report: whether to draw a report, a page of plots.
        emit: the content of an output, as for a service: `prediction`, `features`, `record`, or single fields such as
            `record.house`. By default the prediction.
        lane_by: a field. Each of its values is a lane, for many entities in one file.
        time: the field with the event time. Data frames and tables are sorted by it. Every other source already has
            an order, and each of its lanes must be sorted by this field. None to take the records as they come.
        tie_by: fields that decide between records of a lane with the same time, such as a sequence number.
        selection: the part of the records whose outputs are given to the sinks.
        processes: maximum number of processes that score sources in parallel; None for one per core if there is enough
            to read. It is one with `lane_by` or a limit. The result is the same.
        collect: whether to keep the outputs. Without them, memory does not grow with the length of the replay.
        na_values: the cells of a CSV file that are None for an optional field, in addition to empty ones: `["-999"]`.
            By default those of pandas: NA, N/A, NaN, null, None and others.
        sinks: further sinks for the outputs.
        progress: called from time to time with the progress of the replay.

    Returns:
        The counts, and what was requested: the outputs (`frame` is a pandas data frame), the metrics, the report.

    Raises:
        ConfigurationError: a named field does not exist, a source cannot be read or is not in order, the output cannot
            be written, or no record could be scored although a label was given.
        ModelRefused: the model cannot be loaded.
    """
    packaged = load(model) if isinstance(model, str) else model
    if label and packaged.predictor is None:
        raise ArgumentError(
            "label", label, f"{packaged.uri} is a pipeline without a model, so there are no predictions to measure"
        )
    by, emit = ((names,) if isinstance(names, str) else names for names in (by, emit))
    schema, form, order = Schema(packaged.record, na_values), packaged.outputs(emit), order_from(time, tie_by, lane_by)
    sources, ahead = sources_from(source, order), ahead_from(label_ahead, label, order, schema)
    labelled = attribute_of(schema, label, "label") if label else None
    collected = Collected(form, label=labelled, ahead=ahead) if collect else None
    watch = MetricsCollector(packaged, label=label, ahead=ahead, by=by, report=report)
    dead, path = DeadLetters(None if collect else KEPT_DEAD), Path(output) if output else None
    late = None if order else time_order(packaged.plan, schema)
    unseen, start = Unseen(schema), perf_counter()
    with output_file(path, form, is_keyed=bool(lane_by) or any(source.is_keyed for source in sources)) as file:
        taking = [sink for sink in (dead, collected, file, late, unseen, *watch.sinks, *sinks) if sink is not None]
        count = 1 if lane_by or selection.limit else processes_for(sources, processes)
        if count == 1:
            lanes = lanes_of(packaged.scorer(), schema, lane_by)
            fed = feed(score(lanes, schema, sources, selection, form, order), taking, sources, progress)
        else:
            with spread(packaged, schema, sources, selection, taking, count, emit, order) as (scored, progressing):
                fed = feed(scored, taking, progressing, progress)
    seconds = perf_counter() - start
    unseen.report()
    if late:
        late.report()
    if label and dead.reasons.total() == fed.records > 0:
        raise all_failed(fed.records, dead.first[0])
    metrics, page = watch.results(sources, fed.outputs, seconds)
    return Replayed(
        rows=fed.records,
        written=fed.outputs,
        dead=dead.first,
        reasons=dead.reasons,
        seconds=seconds,
        metrics=metrics,
        report=page,
        output=path,
        collected=collected,
    )
