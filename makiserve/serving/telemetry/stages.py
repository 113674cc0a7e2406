"""Where a batch's time goes."""

from __future__ import annotations

from time import perf_counter

from makiserve.serving.telemetry.observed import Observed
from makiserve.web.histogram import STAGE_S, Histogram

NAMES = ("decode", "restore", "features", "predict", "publish", "commit")


class Stages:
    """A clock that is read at the end of each stage."""

    def __init__(self) -> None:
        self._observed = {name: Observed(STAGE_S) for name in NAMES}
        self._since = 0.0

    def begin(self) -> None:
        """A batch begins."""
        self._since = perf_counter()

    def end(self, name: str, model_s: float = 0.0) -> None:
        """A stage ends, and the next begins. What the model took of it is a stage of its own."""
        now = perf_counter()
        self._observed[name].add(now - self._since - model_s)
        if model_s:
            self._observed["predict"].add(model_s)
        self._since = now

    def add(self, name: str, seconds: float) -> None:
        """A stage that is no batch's took so long."""
        self._observed[name].add(seconds)

    def frozen(self) -> dict[str, Histogram]:
        """The stages that there were."""
        found = {name: each.frozen() for name, each in self._observed.items()}
        return {name: each for name, each in found.items() if each.count}
