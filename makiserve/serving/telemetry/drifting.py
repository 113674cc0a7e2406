"""How far features and predictions have moved from the training, on a sample of what is scored."""

from __future__ import annotations

import time
from typing import Any

from makiserve.scoring import Scored
from makiserve.scoring.drift import Drift, Profile
from makiserve.web.snapshot import Drift as Shown

SAMPLE = 64
"""How many outputs of a batch and partition are looked at, at most."""

WAITING = 2_000
"""How many wait for the next snapshot, at most: counting takes a fixed time a call, so that it is done once for all."""

SPAN_S = 1_800.0
"""What is told is of the last one to two spans: an hour that was odd does not hide behind a year that was not."""

LEAST = 200
"""From so many values on the index says something: below, chance alone exceeds what counts as a shift."""


class Drifting:
    """Counts by the bins of the training.

    Args:
        profile: of the training; None where the model has none.
    """

    def __init__(self, profile: Profile | None) -> None:
        self._profile = profile
        self._spans = (Drift(profile), Drift(profile)) if profile else None
        self._turn_at = time.monotonic() + SPAN_S
        self._features: list[Any] = []
        self._predictions: list[Any] = []

    def add(self, scored: Scored) -> None:
        """Look at some of what was scored."""
        if self._spans is None or len(self._features) >= WAITING:
            return
        stride = -(-len(scored.features) // SAMPLE) or 1
        self._features += scored.features[::stride]
        self._predictions += scored.predictions[::stride]

    def frozen(self) -> tuple[Shown, ...]:
        """The columns of which enough has been seen."""
        if self._profile is None or self._spans is None:
            return ()
        before, now = self._spans
        if self._features:
            now.observe(self._features, self._predictions)
            self._features, self._predictions = [], []
        both = Drift(self._profile)
        both.merge(before)
        both.merge(now)
        if time.monotonic() >= self._turn_at:
            self._turn_at = time.monotonic() + SPAN_S
            self._spans = now, Drift(self._profile)
        return tuple(
            Shown(each.name, each.psi, each.seen, each.nulls, each.out_of_range)
            for each in both.report()
            if each.seen - each.nulls * each.seen >= LEAST
        )
