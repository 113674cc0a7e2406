"""The switch from one version of the model to another, between two commits, and back where the new one does worse."""

from __future__ import annotations

import logging
from collections.abc import Callable

from makiserve.errors import AbortTransaction
from makiserve.scoring import Encoded, Served
from makiserve.serving.assignment import Assignment
from makiserve.serving.swapping.guard import Guard
from makiserve.serving.swapping.scorers import Scorers
from makiserve.serving.swapping.watch import Watch

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
        self._before: Served | None = None

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
        if self._watch is None or (model := self._watch.candidate()) is None:
            return False
        commit()
        self._before = self._scorers.model
        self._serve(model)
        self._assignment.switch(self._scorers.release)
        self._guard.switched()
        self._watch.served(self._scorers.release)
        return True

    def scored(self, records: int, published: Encoded) -> None:
        """Records have been scored and published."""
        self._guard.add(records, published)

    def check(self) -> None:
        """Go back to the version before this one if it does much better.

        Raises:
            AbortTransaction: it does: what this one has scored and not committed is scored again.
        """
        verdict, failed = self._guard.verdict, self._scorers.release
        if verdict is None or self._before is None or self._watch is None:
            return
        self._watch.refuse(failed)
        self._serve(self._before)
        self._assignment.release = self._scorers.release  # the partitions begin again at what is committed
        self._before = None
        self._guard.returned()
        self._watch.served(self._scorers.release)
        logger.error("%s goes, and %s scores again: %s", failed, self._scorers.release, verdict)
        raise AbortTransaction(f"{failed} does worse than {self._scorers.release}")

    def _serve(self, model: Served) -> None:
        self._scorers.switch(model)
        self._tell(model)
