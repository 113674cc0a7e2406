"""Replay: a file through the scorer, as it would be served."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from makiserve.errors import ConfigurationError, RecordError
from makiserve.packaging import PackagedModel, load
from makiserve.replaying.metrics import Metrics, regression_metrics
from makiserve.replaying.output import predictions_file
from makiserve.schema import RecordFile, Schema
from makiserve.scoring import Batch, Scored, Scorer

Progress = Callable[[int, float], None]
"""Called after each block with the number of rows in it and the part of the file that is read, from 0 to 1."""


@dataclass(frozen=True)
class Replayed:
    """The result of a replay.

    Attributes:
        rows: records read.
        outputs: offset and prediction (without a model: features) of each output, in order.
        dead: offset and error of each record that became a dead letter.
        seconds: how long it took, the loading of the model not included.
        metrics: how good the predictions are, where a label was given.
    """

    rows: int
    outputs: list[tuple[int, Any]] = field(repr=False)
    dead: list[tuple[int, RecordError]] = field(repr=False)
    seconds: float
    metrics: Metrics | None


def replay(
    model: str | PackagedModel,
    source: str | Path,
    *,
    output: str | Path | None = None,
    label: str | None = None,
    progress: Progress | None = None,
) -> Replayed:
    """Score a file as a lane of the service would, by the same code.

    Args:
        model: the URI of a packaged model, or one that is loaded.
        source: a CSV or JSON lines file.
        output: a CSV file for the predictions; it appears only when it is whole.
        label: the field of the record to measure the predictions against: its value in the record that caused the
            prediction.
        progress: is told of each block of rows.

    Raises:
        ConfigurationError: the label is no field, the file cannot be read or the output not be written.
        ModelRefused: the model cannot be loaded.
    """
    packaged = load(model) if isinstance(model, str) else model
    schema = Schema(packaged.record)
    attribute = _label_attribute(schema, label) if label else None
    lane = _Lane(Scorer(packaged.plan, packaged.predictor), attribute)
    file = RecordFile(Path(source), schema)
    start = time.perf_counter()
    with predictions_file(Path(output) if output else None, has_model=True) as writer:
        for scored, position in lane.run(file):
            if writer:
                writer.write(scored, position)
            if progress:
                progress(lane.rows - position, file.part_read)
    seconds = time.perf_counter() - start
    metrics = regression_metrics(*lane.labelled()) if attribute else None
    return Replayed(lane.rows, lane.outputs, lane.dead, seconds, metrics)


class _Lane:
    """The one lane of a replay, and what came of it so far."""

    def __init__(self, scorer: Scorer, label: str | None) -> None:
        self.rows = 0
        self.outputs: list[tuple[int, Any]] = []
        self.dead: list[tuple[int, RecordError]] = []
        self._labels: list[Any] = []
        self._label = label
        self._scorer = scorer
        self._lane = scorer.new_lane()

    def run(self, blocks: Iterable[list[Any]]) -> Iterator[tuple[Scored, int]]:
        """Score block after block; yields what each became and the offset of its first record."""
        for block in blocks:
            (scored,) = self._scorer.score([Batch(self._lane, block)])
            position = self.rows
            self.rows += len(block)
            self.outputs += [(position + cause, p) for cause, p in zip(scored.causes, scored.predictions, strict=True)]
            self.dead += [(position + index, error) for index, error in scored.dead]
            if self._label:
                self._labels += [getattr(block[cause], self._label) for cause in scored.causes]
            yield scored, position

    def labelled(self) -> tuple[list[Any], list[Any]]:
        """Predictions and labels, of the records that have one."""
        pairs = [
            (prediction, label)
            for (_, prediction), label in zip(self.outputs, self._labels, strict=True)
            if label is not None
        ]
        return [prediction for prediction, _ in pairs], [label for _, label in pairs]


def _label_attribute(schema: Schema, label: str) -> str:
    for declared in schema.fields:
        if label in (declared.name, declared.encode_name):
            return declared.name
    names = ", ".join(declared.encode_name for declared in schema.fields)
    raise ConfigurationError(f"--label {label}: {schema.record.__qualname__} has no such field; it has {names}")
