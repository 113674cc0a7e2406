"""The result of a replay."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from makiserve.errors import ConfigurationError
from makiserve.replaying.collect import Collected, DeadLetter
from makiserve.replaying.metrics.metrics import Metrics
from makiserve.replaying.report import Report

SHOWN = 10


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

    def _repr_html_(self) -> str:
        """How a notebook shows it: the report where there is one, otherwise counts, metrics and the first outputs."""
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
            raise ConfigurationError("the replay was told to collect no outputs: read the file that they went to")
        return self.collected
