"""Validation: a replay whose metrics meet requirements and whose outputs match the expected ones."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import msgspec
import pandas as pd
import pyarrow as pa
from pyarrow import csv

from makiserve.artifact import FeaturesOnly, PackagedModel
from makiserve.errors import ConfigurationError, SourceError
from makiserve.offline.differences import Differences, differences
from makiserve.offline.feed import Progress, Selection
from makiserve.offline.metrics.classification import ClassificationMetrics
from makiserve.offline.metrics.regression import RegressionMetrics
from makiserve.offline.metrics.requirements import Requirement, RequirementResult, requirement_from_text, verdicts
from makiserve.offline.record_run import record_run
from makiserve.offline.replay_run import Replayed, replay
from makiserve.offline.sources import Source
from makiserve.records.content import STDIN
from makiserve.settings import ReplaySettings

COUNTS = ("records", "outputs", "dead_letters")
"""Metrics that can be required without a label."""


@dataclass(frozen=True)
class Validation:
    """The result of a validation.

    Attributes:
        verdicts: on the requirements.
        differences: from the expected outputs; None if nothing was expected.
        run_id: of the MLflow run with this validation; None if it was not logged.
    """

    replayed: Replayed
    verdicts: tuple[RequirementResult, ...]
    differences: Differences | None
    run_id: str | None = None

    @property
    def passed(self) -> bool:
        """Return whether all requirements are met and the outputs are the expected ones."""
        return all(verdict.is_met for verdict in self.verdicts) and (self.differences is None or self.differences.agree)


def validate(
    model: PackagedModel | FeaturesOnly,
    settings: ReplaySettings,
    sources: Sequence[Source],
    progress: Progress | None = None,
) -> Validation:
    """Replay according to the settings, judge the result, and write the report.

    Args:
        model: the model to validate.
        settings: of the replay.
        sources: the sources that the settings name.
        progress: called from time to time with the progress of the replay.

    Raises:
        ConfigurationError: for the same reasons as `replay`, or if a requirement or the expected outputs are not valid.
        SourceError: a file cannot be read or written.
        ModelRefused: the baseline cannot be loaded.
    """
    required = _requirements(settings)
    if settings.log and isinstance(model, FeaturesOnly):
        raise ConfigurationError("--log needs a --model: a pipeline without a model is not logged in MLflow")
    with _places(settings) as (output, expected), _expected(settings, sources, expected) as ready:
        replayed = replay(
            model,
            sources,
            output=output,
            label=settings.label,
            label_ahead=settings.label_ahead,
            by=settings.by,
            report=settings.report is not None or settings.log,
            lane_by=settings.lane_by,
            time=settings.time,
            tie_by=settings.tie_by,
            na_values=settings.na_values or None,
            selection=_selection(settings),
            collect=False,
            progress=progress,
        )
        compared = None
        if ready and output:
            expected_outputs = read_outputs(ready.result())
            against = settings.baseline or str(settings.expect)
            compared = differences(
                expected_outputs, read_outputs(output), against=against, tolerance=settings.tolerance
            )
        judged = tuple(verdicts(required, _figures(replayed)))
        report = replayed.report and replace(replayed.report, verdicts=judged, differences=compared)
        if report and settings.report:
            report.write(settings.report)
        validation = Validation(replace(replayed, report=report, output=settings.output), judged, compared)
        if settings.log and report and output and not isinstance(model, FeaturesOnly):
            passed = validation.passed if judged or compared else None
            validation = replace(validation, run_id=record_run(model, report, settings, output, passed))
    return validation


def read_outputs(path: Path) -> pd.DataFrame:
    """Read the outputs of a replay from the file that it wrote; numbers are unchanged.

    Raises:
        SourceError: the file cannot be read.
    """
    kinds = [suffix for suffix in path.suffixes if suffix not in (".gz", ".zst")]
    try:
        return READERS.get(kinds[-1] if kinds else "", _read_csv)(path)
    except (OSError, ValueError) as error:
        raise SourceError(f"{path}: not readable as the outputs of a replay: {error}") from error


def _read_csv(path: Path) -> pd.DataFrame:
    options = csv.ConvertOptions(column_types={"source": pa.string()})
    frame: pd.DataFrame = csv.read_csv(path, convert_options=options).to_pandas()
    return frame


def _read_json_lines(path: Path) -> pd.DataFrame:
    return pd.DataFrame([msgspec.json.decode(line) for line in path.read_bytes().splitlines()])


READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".parquet": pd.read_parquet,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
}


def _requirements(settings: ReplaySettings) -> list[Requirement]:
    """Return the requirements. Raise before the replay if one of them cannot be judged."""
    required = [requirement_from_text(text) for text in settings.require]
    known = {*RegressionMetrics.names, *ClassificationMetrics.names, *COUNTS}
    for requirement in required:
        if requirement.metric not in known:
            raise ConfigurationError(f"--require {requirement}: unknown metric; available: {', '.join(sorted(known))}")
        if requirement.metric not in COUNTS and not settings.label:
            raise ConfigurationError(f"--require {requirement}: measuring {requirement.metric} needs a --label")
    if settings.baseline and str(STDIN) in settings.source:
        raise ConfigurationError(
            "--baseline reads the sources twice, which standard input does not allow: replay a file"
        )
    if settings.expect and settings.baseline:
        raise ConfigurationError("--expect and --baseline cannot be used together: give one of them")
    return required


def _figures(replayed: Replayed) -> dict[str, float]:
    counts = (replayed.rows, replayed.written, replayed.reasons.total())
    metrics = replayed.metrics.figures if replayed.metrics else {}
    return {**metrics, **dict(zip(COUNTS, map(float, counts), strict=True))}


@contextmanager
def _places(settings: ReplaySettings) -> Iterator[tuple[Path | None, Path]]:
    """Yield the paths of the outputs and of the baseline's outputs: two files of the same format are compared."""
    with tempfile.TemporaryDirectory(prefix="makiserve-") as folder:
        is_needed = settings.expect or settings.baseline or settings.log
        name = (settings.output or settings.expect or Path("outputs.csv")).name
        yield (
            settings.output or (Path(folder, name) if is_needed else None),
            Path(folder, f"expected-{name}"),
        )


@contextmanager
def _expected(settings: ReplaySettings, sources: Sequence[Source], path: Path) -> Iterator[Future[Path] | None]:
    """Yield a future for the file with the expected outputs; None if nothing is expected.

    A baseline is replayed in parallel, in a separate process: a process can hold only one version of a pipeline.
    """
    if settings.expect:
        there: Future[Path] = Future()
        there.set_result(settings.expect)
        yield there
    elif settings.baseline:
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            yield process.submit(_replay_baseline, settings.baseline, settings, sources, path)
    else:
        yield None


def _replay_baseline(uri: str, settings: ReplaySettings, sources: Sequence[Source], path: Path) -> Path:
    selection = _selection(settings)
    na_values = settings.na_values or None
    replay(
        uri,
        sources,
        output=path,
        lane_by=settings.lane_by,
        time=settings.time,
        tie_by=settings.tie_by,
        selection=selection,
        collect=False,
        na_values=na_values,
    )
    return path


def _selection(settings: ReplaySettings) -> Selection:
    return Selection(settings.emit_from, settings.limit, settings.sample)
