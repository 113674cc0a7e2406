"""The switch from one version to another, between two commits, and back where the new one does worse."""

from __future__ import annotations

import logging
from collections.abc import Callable

from makiserve.errors import AbortTransaction
from makiserve.scoring import Served
from makiserve.serving.assignment import Assignment
from makiserve.serving.publisher import Published
from makiserve.serving.swapping.guard import Guard
from makiserve.serving.swapping.scorers import Scorers, release_in
from makiserve.serving.swapping.watch import Candidate, Watch

logger = logging.getLogger(__name__)


class Swap:
    """Switches what a worker scores with.

    Args:
        scorers: what scores.
        assignment: the partitions, which note where a version begins.
        watch: where other versions come from; None where there is only this one.
        tell: is told of the version that scores from now on.
    """

    def __init__(
        self, scorers: Scorers, assignment: Assignment, watch: Watch | None, tell: Callable[[Served], None]
    ) -> None:
        self._scorers, self._assignment, self._watch, self._tell = scorers, assignment, watch, tell
        self._guard = Guard()
        self._trial: tuple[Served, Candidate] | None = None  # what was served before it

    @property
    def successor(self) -> str | None:
        """A version for which this process must make room; None while there is none."""
        return self._watch.successor if self._watch else None

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
            logger.info("%s: %s → %s", place, release_in(place, before), candidate.release)
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
        again = release_in(failed.place, before)
        self._watch.refuse(failed)
        self._serve(self._watch, before)
        self._assignment.release = self._scorers.release  # the partitions begin again at what is committed
        self._guard.returned()
        logger.error("%s goes, and %s scores again: %s", failed.release, again, verdict)
        raise AbortTransaction(f"{failed.release} does worse than {again}")

    def _serve(self, watch: Watch, model: Served) -> None:
        self._scorers.switch(model)
        self._tell(model)
        watch.served(model)
