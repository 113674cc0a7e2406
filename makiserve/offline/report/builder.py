"""The data of a report, which is collected during a replay, and the report that is built from it."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone

from makiserve.artifact import FeaturesOnly, PackagedModel, outputs_noun
from makiserve.artifact.mlflow_predictor import ModelTask
from makiserve.offline.metrics.observed import Observed
from makiserve.offline.metrics.quality import Metrics, evidence
from makiserve.offline.report.binned import moments
from makiserve.offline.report.page import Measured, Report
from makiserve.offline.sampled import DeadExamples, SampledFeatures
from makiserve.offline.sinks import Sink
from makiserve.offline.sources import Source
from makiserve.offline.sources.source import Origins, SourceOrigin
from makiserve.version import __version__

NAMED = 3
"""Maximum number of sources that are named at the top of the page."""


class ReportBuilder:
    """Collects a sample of the features, examples of dead letters, and the origins of the records.

    Args:
        model: the model to replay.
    """

    def __init__(self, model: PackagedModel | FeaturesOnly) -> None:
        self._profile = None if isinstance(model, FeaturesOnly) else model.profile
        self._features, self._dead, self._origins = SampledFeatures(self._profile), DeadExamples(), Origins()
        self.sinks: tuple[Sink, ...] = (self._features, self._dead, self._origins)

    def report(
        self, model: PackagedModel | FeaturesOnly, sources: Sequence[Source], outputs: int, seconds: float
    ) -> Report:
        """Return the report, still without metrics."""
        origins = self._origins.origins(sources)
        records = sum(origin.records for origin in origins)
        more = f" and {len(origins) - NAMED} more" if len(origins) > NAMED else ""
        return Report(
            title=f"{model.name}, version {model.version}" if model.name else model.uri,
            subtitle=f"on {', '.join(origin.name for origin in origins[:NAMED])}{more}, {records:,} records",
            facts=_facts(model, origins, records / max(seconds, 1e-9)),
            origins=tuple(origins),
            records=records,
            outputs=outputs,
            outputs_noun=outputs_noun(model),
            features=self._features.columns(),
            training={column.name: column for column in self._profile.columns} if self._profile else {},
            drift=self._features.drift(),
            reasons=self._dead.reasons,
            examples=self._dead.examples,
        )


def with_metrics(
    report: Report, metrics: Metrics, observed: Observed, task: ModelTask, label: str, time: str | None
) -> Report:
    """Return the report with the metrics of its predictions.

    Args:
        report: without metrics.
        metrics: of the predictions.
        observed: the predictions and their labels.
        task: of the model that made them.
        label: the name of the field with the true value.
        time: the name of the field with the event time; None if there is none.
    """
    at = moments(observed, observed.labelled, time)
    return replace(report, measured=Measured(metrics, evidence(observed, task), at, label))


def _facts(model: PackagedModel | FeaturesOnly, origins: Sequence[SourceOrigin], rate: float) -> dict[str, str]:
    facts = {
        "model": model.uri,
        "registered as": f"{model.name}, version {model.version}" if model.name else "",
        "logged by run": None if isinstance(model, FeaturesOnly) else model.run_id,
        "pipeline digest": model.digest,
        "environment": None if isinstance(model, FeaturesOnly) else "; ".join(model.differences),
        "replayed": f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC, {rate:,.0f} records/s",
        "by": f"makiserve {__version__}, Python {platform.python_version()}",
    }
    data = {
        f"data: {origin.name}": f"{origin.place}, {origin.records:,} records, SHA-256 {origin.digest}"
        for origin in origins
    }
    return {name: value for name, value in (facts | data).items() if value}
