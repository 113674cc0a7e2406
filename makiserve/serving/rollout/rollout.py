"""Whether a new version of a model does worse than the one before it: it then goes again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from makiserve.errors import AbortTransaction, PredictError
from makiserve.scoring import Served
from makiserve.serving.assignment import Assignment
from makiserve.serving.publisher import Published
from makiserve.serving.rollout.alias_watcher import AliasWatcher, Candidate
from makiserve.serving.rollout.scorers import Scorers, model_version_in

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


class RollbackGuard:
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


logger = logging.getLogger(__name__)


class Rollout:
    """Switches what a worker scores with.

    Args:
        scorers: what scores.
        assignment: the partitions, which note where a version begins.
        watch: where other versions come from; None where there is only this one.
        tell: is told of the version that scores from now on.
    """

    def __init__(
        self, scorers: Scorers, assignment: Assignment, watch: AliasWatcher | None, tell: Callable[[Served], None]
    ) -> None:
        self._scorers, self._assignment, self._watch, self._tell = scorers, assignment, watch, tell
        self._guard = RollbackGuard()
        self._trial: tuple[Served, Candidate] | None = None  # what was served before it

    @property
    def restart_required_for(self) -> str | None:
        """A version for which this process must make room; None while there is none."""
        return self._watch.restart_required_for if self._watch else None

    def turn(self, commit: Callable[[], object]) -> bool:
        """Switch if another version is ready; whether it did.

        Args:
            commit: commits all that was scored.

        Raises:
            AbortTransaction: it was not committed: nothing is switched yet.
        """
        if self._watch is None or (candidate := self._watch.candidate()) is None:
            return False
        commit()
        before, place = self._scorers.model, candidate.place
        self._serve(self._watch, candidate.model)
        self._assignment.switch(self._scorers.release)
        if place != "champion":  # of that the partitions tell
            logger.info("%s: %s → %s", place, model_version_in(place, before), candidate.release)
        if place != "shadow":  # that refuses nobody's records
            self._trial = before, candidate
            self._guard.switched()
        return True

    def scored(self, records: int, published: Published) -> None:
        """Records have been scored and published."""
        self._guard.add(records, published)

    def check(self) -> None:
        """Go back to the version before this one if it does much better.

        Raises:
            AbortTransaction: it does: what this one has scored and not committed is scored again.
        """
        verdict = self._guard.verdict
        if verdict is None or self._trial is None or self._watch is None:
            return
        (before, failed), self._trial = self._trial, None
        again = model_version_in(failed.place, before)
        self._watch.refuse(failed)
        self._serve(self._watch, before)
        self._assignment.release = self._scorers.release  # the partitions begin again at what is committed
        self._guard.returned()
        logger.error("%s goes, and %s scores again: %s", failed.release, again, verdict)
        raise AbortTransaction(f"{failed.release} does worse than {again}")

    def _serve(self, watch: AliasWatcher, model: Served) -> None:
        self._scorers.switch(model)
        self._tell(model)
        watch.served(model)
