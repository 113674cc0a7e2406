"""The report's page: one self-contained HTML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from makiserve.errors import SourceError
from makiserve.offline.differences import Differences
from makiserve.offline.metrics.classification import ClassificationMetrics
from makiserve.offline.metrics.quality import Metrics
from makiserve.offline.metrics.regression import RegressionMetrics
from makiserve.offline.metrics.requirements import RequirementResult
from makiserve.offline.report.bars import dead_letters, groups
from makiserve.offline.report.binned import TimeAxis
from makiserve.offline.report.classification_figures import classification_figures
from makiserve.offline.report.comparison_section import comparison
from makiserve.offline.report.distributions import distributions
from makiserve.offline.report.elements import ReportSection, Tile
from makiserve.offline.report.plot.scale import amount
from makiserve.offline.report.regression_figures import regression_figures
from makiserve.offline.sampled import Example
from makiserve.offline.sources.source import SourceOrigin
from makiserve.scoring.drift import ColumnProfile, FeatureDrift

LEADING = {"regression": ("rmse", "mae", "bias", "r2"), "classification": ("accuracy", "f1", "auc", "log_loss")}


@dataclass(frozen=True)
class Measured:
    """Predictions that have a label: their metrics, and the data for their plots."""

    metrics: Metrics
    evidence: RegressionMetrics | ClassificationMetrics
    at: TimeAxis
    label: str


@dataclass(frozen=True)
class Report:
    """The contents of the page.

    Attributes:
        title: the model.
        subtitle: the data that it was run on.
        facts: everything that identifies model, data and run, by name.
        origins: the data that was read.
        records: number of records that were read.
        outputs: number of outputs that they caused.
        outputs_noun: what the outputs are called: predictions or features.
        measured: the predictions that have a label; None without a label.
        features: a sample of the model's inputs, by feature.
        training: the statistics of the training data, by feature.
        drift: the drift of all outputs' features from the training, by feature.
        reasons: number of dead letters by reason.
        examples: some of the dead letters.
        verdicts: on the requirements.
        differences: from the expected outputs; None if nothing was compared.
    """

    title: str
    subtitle: str
    facts: Mapping[str, str]
    records: int
    outputs: int
    outputs_noun: str = "predictions"
    origins: Sequence[SourceOrigin] = ()
    measured: Measured | None = None
    features: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    training: Mapping[str, ColumnProfile] = field(default_factory=dict)
    drift: Mapping[str, FeatureDrift] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)
    examples: Sequence[Example] = ()
    verdicts: Sequence[RequirementResult] = ()
    differences: Differences | None = None

    def write(self, path: str | Path) -> None:
        """Write the page; the file gets its name only when all of it has been written.

        Raises:
            SourceError: the file cannot be written.
        """
        path = Path(path)
        part = path.with_name(path.name + ".part")
        try:
            part.write_text(self.html(), encoding="utf-8")
            part.replace(path)
        except OSError as error:
            raise SourceError(f"{path}: {error.strerror}") from error
        finally:
            part.unlink(missing_ok=True)

    def html(self) -> str:
        """Return the page as HTML."""
        folder = files(__package__)
        environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
        return environment.from_string((folder / "page.html").read_text("utf-8")).render(
            title=self.title,
            subtitle=self.subtitle,
            style=Markup((folder / "page.css").read_text("utf-8")),  # noqa: S704  our own file
            verdict=self._verdict(),
            tiles=self._tiles(),
            sections=[section for section in self._sections() if section is not None],
            facts=self.facts,
        )

    def _verdict(self) -> tuple[str, str] | None:
        failed = sum(not verdict.is_met for verdict in self.verdicts)
        failed += self.differences is not None and not self.differences.agree
        if not self.verdicts and self.differences is None:
            return None
        return ("bad", f"{failed} failed") if failed else ("good", "passed")

    def _tiles(self) -> list[Tile]:
        total = sum(self.reasons.values())
        return [
            *self._metric_tiles(),
            Tile("records", f"{self.records:,}", f"{self.outputs:,} {self.outputs_noun}"),
            Tile(
                "dead letters",
                f"{total:,}",
                f"{total / max(self.records, 1):.2%} of the records",
                "bad" if total else "",
            ),
        ]

    def _metric_tiles(self) -> list[Tile]:
        if self.measured is None:
            return []
        metrics, required = self.measured.metrics, {verdict.requirement.metric: verdict for verdict in self.verdicts}
        names = [*LEADING[metrics.kind], *(name for name in required if name not in LEADING[metrics.kind])]
        tiles = []
        for name in names:
            if name in metrics.figures:
                others = [
                    f"{word}: {amount(figures[name])}"
                    for word, figures in metrics.baselines.items()
                    if name in figures and name != "bias"
                ]
                verdict = required.get(name)
                words = (
                    [f"required {verdict.requirement.relation} {amount(verdict.requirement.bound)}"] if verdict else []
                )
                mood = "bad" if verdict and not verdict.is_met else ""
                tiles.append(Tile(name, amount(metrics.figures[name]), "\n".join(words + others), mood))
        return tiles

    def _sections(self) -> list[ReportSection | None]:
        measured = self.measured
        return [
            ReportSection("predictions", figures=_figures(measured)) if measured else None,
            comparison(self.differences),
            groups(measured.metrics) if measured else None,
            distributions(self.features, self.training, self.drift),
            dead_letters(self.reasons, self.examples, self.records),
        ]


def _figures(measured: Measured) -> Sequence[Any]:
    if isinstance(measured.evidence, RegressionMetrics):
        return regression_figures(measured.evidence, measured.at, measured.label)
    return classification_figures(measured.evidence, measured.at)
