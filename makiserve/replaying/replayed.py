"""The result of a replay."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from makiserve.errors import ConfigurationError
from makiserve.replaying.collect import Collected, DeadLetter
from makiserve.replaying.metrics import Metrics
from makiserve.replaying.report import Report


@dataclass(frozen=True)
class Replayed:
    """What a replay gave.

    Attributes:
        rows: records read.
        written: outputs that came of them.
        dead: the records that could not be scored; the first of them, where nothing was collected.
        reasons: how many there are of each reason.
        seconds: how long it took, the loading of the model not included.
        metrics: how good the predictions are, where a label was given.
        report: a page of plots, where one was asked for.
        output: the file that they were written to.
        collected: all outputs, in columns; None where the replay was told not to collect them.
    """

    rows: int
    written: int
    dead: list[DeadLetter] = field(repr=False)
    reasons: Counter[str]
    seconds: float
    metrics: Metrics | None = None
    report: Report | None = field(default=None, repr=False)
    output: Path | None = None
    collected: Collected | None = field(default=None, repr=False)

    @property
    def outputs(self) -> list[tuple[int, Any]]:
        """Offset and prediction of each output, in order, source by source.

        With `emit`, or a post pipeline, what is published stands in the place of the prediction.
        """
        collected = self._all()
        return list(zip(collected.offsets, collected.values(), strict=True))

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each output: its position, key, prediction, and what else was asked for."""
        return self._all().frame()

    def _all(self) -> Collected:
        if self.collected is None:
            raise ConfigurationError("the replay was told to collect no outputs: read the file that they went to")
        return self.collected
