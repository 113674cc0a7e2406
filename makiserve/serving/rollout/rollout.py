"""Switch to a new model version, and roll back if it rejects more records than its predecessor."""

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
from makiserve.serving.rollout.scorers import model_version_in
from makiserve.serving.scoring_processor import ScoringProcessor

JUMP = 0.05
"""Roll back if the share of rejected records rises by more than this."""

MIN_REFUSED = 5
"""Minimum number of rejected records for a rollback, so that a single bad record does not cause one."""

WATCHED_RECORDS = 1000
WATCHED_S = 60.0
"""A version is watched until it has scored this many records and this much time has passed."""


@dataclass
class Tally:
    """The number of records, and how many of them the model rejected."""

    records: int = 0
    refused: int = 0

    @property
    def share(self) -> float:
        return self.refused / self.records if self.records else 0.0


class RollbackGuard:
    """Compares the rejected records of the served version with those of its predecessor."""

    def __init__(self) -> None:
        self._before = Tally()
        self._now = Tally()
        self._until = 0.0

    def switched(self) -> None:
        """Start to watch a new version."""
        self._before, self._now = self._now, Tally()
        self._until = time.monotonic() + WATCHED_S

    def rolled_back(self) -> None:
        """Resume with the previous version, which is no longer watched."""
        self._now, self._until = self._before, 0.0

    def add(self, records: int, published: Published) -> None:
        """Count scored records and those that the model rejected."""
        self._now.records += records
        self._now.refused += sum(isinstance(error, PredictError) for _, error in published.dead)

    @property
    def verdict(self) -> str | None:
        """The reason to roll back the new version; None if there is none."""
        now, before = self._now, self._before
        has_proved_itself = now.records > WATCHED_RECORDS and time.monotonic() > self._until
        if has_proved_itself or now.refused < MIN_REFUSED or now.share <= before.share + JUMP:
            return None
        return f"it rejected {now.share:.0%} of {now.records} records; the previous version rejected {before.share:.0%}"


logger = logging.getLogger(__name__)


class Rollout:
    """Switches the model versions of a worker.

    Args:
        processor: the processor of the worker.
        assignment: the partitions, which record the offset at which a version begins.
        watcher: source of other versions; None if only this one is served.
        on_switch: called with the model that scores after a switch.
    """

    def __init__(
        self,
        processor: ScoringProcessor,
        assignment: Assignment,
        watcher: AliasWatcher | None,
        on_switch: Callable[[Served], None],
    ) -> None:
        self._processor, self._assignment, self._watcher, self._on_switch = processor, assignment, watcher, on_switch
        self._guard = RollbackGuard()
        self._trial: tuple[Served, Candidate] | None = None  # the model before the switch, and the candidate

    @property
    def restart_required_for(self) -> str | None:
        """A version that only a new process can serve; None if there is none."""
        return self._watcher.restart_required_for if self._watcher else None

    def poll(self, commit: Callable[[], object]) -> bool:
        """Switch if another version is ready; return whether it did.

        Args:
            commit: commits all that was scored.

        Raises:
            AbortTransaction: the commit failed, and nothing has been switched.
        """
        if self._watcher is None or (candidate := self._watcher.candidate()) is None:
            return False
        commit()
        before, role = self._processor.model, candidate.role
        self._serve(self._watcher, candidate.model)
        self._assignment.switch(self._processor.model_version)
        if role != "champion":  # the partitions log that one
            logger.info("%s: %s → %s", role, model_version_in(role, before), candidate.model_version)
        if role != "shadow":  # a shadow does not reject records
            self._trial = before, candidate
            self._guard.switched()
        return True

    def scored(self, records: int, published: Published) -> None:
        """Count scored and published records."""
        self._guard.add(records, published)

    def check(self) -> None:
        """Roll back to the previous version if the new one rejects too many records.

        Raises:
            AbortTransaction: rolled back; what the new version has scored and not committed must be scored again.
        """
        verdict = self._guard.verdict
        if verdict is None or self._trial is None or self._watcher is None:
            return
        (before, failed), self._trial = self._trial, None
        again = model_version_in(failed.role, before)
        self._watcher.refuse(failed)
        self._serve(self._watcher, before)
        self._assignment.model_version = self._processor.model_version  # the partitions rewind to the committed offset
        self._guard.rolled_back()
        logger.error("rolled back from %s to %s: %s", failed.model_version, again, verdict)
        raise AbortTransaction(f"rolled back from {failed.model_version} to {again}")

    def _serve(self, watcher: AliasWatcher, model: Served) -> None:
        self._processor.switch(model)
        self._on_switch(model)
        watcher.served(model)
