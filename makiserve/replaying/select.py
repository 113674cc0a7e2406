"""Which part of a replay is shown: from where on, how many, one in how many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from makiserve.errors import ArgumentError
from makiserve.scoring import Scored

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""2⁶⁴ over the golden ratio: multiples of it are spread evenly, whatever the step (Knuth, 6.4)."""


@dataclass(frozen=True)
class Selection:
    """What is shown of a replay; state sees every record up to the last, so that what is shown is what it always is.

    Attributes:
        start_at: the offset, in each source, of the first record that is shown.
        limit: how many records are scored from there on, over all sources; None for all.
        sample: the part of the outputs that is shown, over 0 to 1; the same ones each time.

    Raises:
        ArgumentError: one of them is out of its range.
    """

    start_at: int = 0
    limit: int | None = None
    sample: float = 1.0

    def __post_init__(self) -> None:
        if self.start_at < 0:
            raise ArgumentError("start_at", self.start_at, "it must be an offset, 0 or more")
        if self.limit is not None and self.limit < 1:
            raise ArgumentError("limit", self.limit, "it must be a number of records, 1 or more")
        if not 0 < self.sample <= 1:
            raise ArgumentError("sample", self.sample, "it must be a part of the outputs, more than 0 and at most 1")

    def sampled(self, scored: Scored, offsets: Sequence[int]) -> Scored:
        """The outputs that are in the sample; dead letters are all shown."""
        if self.sample == 1:
            return scored
        chosen = self._chosen(scored.causes, offsets)
        posted = scored.posted
        if posted is not None:
            shown = self._chosen(posted.causes, offsets)
            posted = posted._replace(
                causes=[posted.causes[index] for index in shown], items=[posted.items[index] for index in shown]
            )
        return Scored(
            [scored.causes[index] for index in chosen],
            [scored.features[index] for index in chosen],
            [scored.predictions[index] for index in chosen],
            scored.dead,
            posted,
        )

    def _chosen(self, causes: list[int], offsets: Sequence[int]) -> list[int]:
        hashes = np.array([offsets[cause] for cause in causes], np.uint64) * GOLDEN
        return [int(index) for index in np.nonzero(hashes < np.uint64(self.sample * 2**64))[0]]
