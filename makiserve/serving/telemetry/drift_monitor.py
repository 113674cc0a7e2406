"""Drift of features and predictions from the training data, on a sample of what is scored."""

from __future__ import annotations

import time

from makiserve.monitoring.snapshot import ShownDrift as Shown
from makiserve.scoring import Scored
from makiserve.scoring.drift import Drift, Profile, Reservoir

WAITING = 2_000
"""Maximum number of outputs per snapshot: a random sample of those since the previous one."""

SPAN_S = 1_800.0
"""Drift covers the last one to two spans, so that a normal year does not hide an unusual hour."""

MIN_VALUES = 200
MIN_PER_BIN = 20
"""Minimum number of values for a meaningful index: below it, chance alone exceeds what counts as a shift."""


class DriftMonitor:
    """Counts features and predictions in the bins of the training profile.

    Args:
        profile: the training profile; None if the model has none.
    """

    def __init__(self, profile: Profile | None) -> None:
        self._profile = profile
        self._spans = (Drift(profile), Drift(profile)) if profile else None
        self._rotate_at = time.monotonic() + SPAN_S
        self._sample = Reservoir(WAITING)

    def add(self, scored: Scored) -> None:
        """Offer scored records to the sample."""
        if self._spans is not None and scored.features:
            self._sample.add(scored.features, scored.predictions)

    def snapshot(self) -> tuple[Shown, ...]:
        """Return the drift of the columns with enough values."""
        if self._profile is None or self._spans is None:
            return ()
        before, now = self._spans
        if rows := self._sample.rows:
            features, predictions = zip(*rows, strict=True)
            now.observe(features, predictions, self._sample.offered / len(rows))
            self._sample.clear()
        both = Drift(self._profile)
        both.merge(before)
        both.merge(now)
        if time.monotonic() >= self._rotate_at:
            self._rotate_at = time.monotonic() + SPAN_S
            self._spans = now, Drift(self._profile)
        return tuple(
            Shown(column.name, column.psi, column.seen, column.nulls, column.out_of_range)
            for column in both.report()
            if column.seen >= max(MIN_VALUES, MIN_PER_BIN * column.bins)
        )
