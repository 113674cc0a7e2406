"""How far features and predictions have moved from the training, on a sample of what is scored."""

from __future__ import annotations

import time

from makiserve.monitoring.snapshot import ShownDrift as Shown
from makiserve.scoring import Scored
from makiserve.scoring.drift import Drift, Profile, Reservoir

WAITING = 2_000
"""How many outputs are looked at for each snapshot, at most: a random sample of those since the one before."""

SPAN_S = 1_800.0
"""The drift is that of the last one to two spans: an odd hour does not hide behind a normal year."""

LEAST = 200
LEAST_A_BIN = 20
"""From so many values on the index means something: below, chance alone exceeds what counts as a shift."""


class DriftMonitor:
    """Counts by the bins of the training.

    Args:
        profile: of the training; None where the model has none.
    """

    def __init__(self, profile: Profile | None) -> None:
        self._profile = profile
        self._spans = (Drift(profile), Drift(profile)) if profile else None
        self._turn_at = time.monotonic() + SPAN_S
        self._sample = Reservoir(WAITING)

    def add(self, scored: Scored) -> None:
        """Offer what was scored to the sample."""
        if self._spans is not None and scored.features:
            self._sample.add(scored.features, scored.predictions)

    def frozen(self) -> tuple[Shown, ...]:
        """Return the columns of which enough has been seen."""
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
        if time.monotonic() >= self._turn_at:
            self._turn_at = time.monotonic() + SPAN_S
            self._spans = now, Drift(self._profile)
        return tuple(
            Shown(each.name, each.psi, each.seen, each.nulls, each.out_of_range)
            for each in both.report()
            if each.seen >= max(LEAST, LEAST_A_BIN * each.bins)
        )
