"""The data that a replay collects in addition to its outputs: predictions with labels, and the data of a report."""

from __future__ import annotations

from collections.abc import Sequence

from makiserve.artifact import FeaturesOnly, PackagedModel
from makiserve.artifact.mlflow_predictor import ModelTask
from makiserve.offline.labels import Ahead
from makiserve.offline.metrics.observed import Observed, Observer, Watched
from makiserve.offline.metrics.quality import Metrics, measure
from makiserve.offline.report import Report, ReportBuilder, with_metrics
from makiserve.offline.sinks import Sink
from makiserve.offline.sources import Source
from makiserve.offline.time_order import time_field
from makiserve.records import Schema
from makiserve.records.emitted_fields import attribute_of


class MetricsCollector:
    """Collects the data for metrics and a report, and computes both after the replay.

    Args:
        model: the model to replay.
        label: the field with the true value, by its name in the code or in the data; None without a label.
        ahead: how far the record with the label is ahead of the cause of the prediction.
        by: fields to measure groups separately.
        report: whether to build a report.

    Raises:
        ConfigurationError: the record does not have a named field.
    """

    def __init__(
        self,
        model: PackagedModel | FeaturesOnly,
        *,
        label: str | None,
        ahead: Ahead,
        by: Sequence[str],
        report: bool,
    ) -> None:
        schema = Schema(model.record)
        self._model, self._label, self._time = model, label, time_field(schema)
        self._task = model.predictor.task if model.predictor else ModelTask()
        groups = tuple(attribute_of(schema, name, "by") for name in by)
        attribute = attribute_of(schema, label, "label") if label else None
        self._observer = Observer(Watched(attribute, ahead, groups, self._time)) if label else None
        self._notes = ReportBuilder(model) if report else None

    @property
    def sinks(self) -> list[Sink]:
        """The sinks that need the outputs."""
        notes = self._notes.sinks if self._notes else ()
        return [*((self._observer,) if self._observer else ()), *notes]

    def results(self, sources: Sequence[Source], outputs: int, seconds: float) -> tuple[Metrics | None, Report | None]:
        """Return the metrics and the report; None for each that was not requested.

        Raises:
            ConfigurationError: no prediction has a label, or they are not of the same kind.
        """
        observed = self._observer.observed() if self._observer else None
        metrics = measure(observed, self._task) if observed else None
        report = self._notes.report(self._model, sources, outputs, seconds) if self._notes else None
        return metrics, self._measured(report, observed, metrics)

    def _measured(self, report: Report | None, observed: Observed | None, metrics: Metrics | None) -> Report | None:
        if report is None or observed is None or metrics is None or self._label is None:
            return report
        return with_metrics(report, metrics, observed, self._task, self._label, self._time)
