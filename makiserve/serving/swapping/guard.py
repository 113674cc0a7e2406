"""Whether a new version of a model does worse than the one before it: it then goes again."""

from __future__ import annotations

import time
from dataclasses import dataclass

from makiserve.errors import PredictError
from makiserve.serving.publisher import Published

JUMP = 0.05
"""A share of refused records that is higher by so much is a reason to go back."""

LEAST_REFUSED = 5
"""One bad record is no jump, however few there were."""

WATCHED_RECORDS = 1000
WATCHED_S = 60.0
"""A version has proved itself when it has scored so many records, and for so long."""


@dataclass
class Tally:
    """How many records there were, and how many of them the model refused."""

    records: int = 0
    refused: int = 0

    @property
    def share(self) -> float:
        return self.refused / self.records if self.records else 0.0


class Guard:
    """Counts what models refuse, the served one and the one before it."""

    def __init__(self) -> None:
        self._before = Tally()
        self._now = Tally()
        self._until = 0.0

    def switched(self) -> None:
        """From here on a new version scores."""
        self._before, self._now = self._now, Tally()
        self._until = time.monotonic() + WATCHED_S

    def returned(self) -> None:
        """From here on the version before it scores again, which has proved itself."""
        self._now, self._until = self._before, 0.0

    def add(self, records: int, published: Published) -> None:
        """Records have been scored."""
        self._now.records += records
        self._now.refused += sum(isinstance(error, PredictError) for _, error in published.dead)

    @property
    def verdict(self) -> str | None:
        """Why the new version must go; None while there is no reason."""
        now, before = self._now, self._before
        has_proved_itself = now.records > WATCHED_RECORDS and time.monotonic() > self._until
        if has_proved_itself or now.refused < LEAST_REFUSED or now.share <= before.share + JUMP:
            return None
        return f"it refuses {now.share:.0%} of {now.records} records, the version before {before.share:.0%}"
