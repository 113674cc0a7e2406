"""Log a validation to MLflow: metrics, outputs, report, and the identity of the data."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from makiserve.artifact import Data, PackagedModel, log_validation
from makiserve.offline.report import Report
from makiserve.offline.sources.source import digest_of
from makiserve.settings import ReplaySettings
from makiserve.version import __version__

MAX_NAME_LENGTH = 250  # MLflow stores longer names of data, but its pages do not fit them


def record_run(
    model: PackagedModel, report: Report, settings: ReplaySettings, outputs: Path, passed: bool | None
) -> str:
    """Log a validation of a model to MLflow; return the ID of the run.

    Args:
        model: the validated model.
        report: the results.
        settings: of the validation.
        outputs: the file with the outputs.
        passed: whether the requirements are met; None if there were none.

    Raises:
        ConfigurationError: MLflow does not know the model or does not respond.
    """
    with tempfile.TemporaryDirectory(prefix="makiserve-") as folder:
        page = Path(folder, "report.html")
        report.write(page)
        return log_validation(
            model,
            _data(report),
            metrics=_metrics(report),
            params=_params(settings),
            files=[page, outputs],
            passed=passed,
        )


def _data(report: Report) -> Data:
    return Data(
        name=", ".join(origin.name for origin in report.origins)[:MAX_NAME_LENGTH],
        digest=digest_of(report.origins),
        source=json.dumps([origin._asdict() for origin in report.origins]),
        profile=json.dumps({"num_rows": report.records}),
    )


def _metrics(report: Report) -> dict[str, float]:
    logged = {
        "records": float(report.records),
        "outputs": float(report.outputs),
        "dead_letters": float(sum(report.reasons.values())),
    }
    if report.measured:
        metrics = report.measured.metrics
        logged |= {"rows": float(metrics.rows), **metrics.figures}
        for baseline, figures in metrics.baselines.items():
            prefix = baseline.replace(" ", "_")
            logged |= {f"{prefix}_{name}": value for name, value in figures.items()}
    return logged


def _params(settings: ReplaySettings) -> dict[str, str]:
    asked = {
        "label": settings.label,
        "label_ahead": settings.label_ahead if settings.label_ahead != "0" else None,
        "order_by": ", ".join(settings.order_by),
        "by": ", ".join(settings.by),
        "require": ", ".join(settings.require),
        "expect": settings.expect,
        "baseline": settings.baseline,
        "makiserve": __version__,
    }
    return {name: str(value) for name, value in asked.items() if value}
