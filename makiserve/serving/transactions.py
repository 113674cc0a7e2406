"""Commit and abort: what a worker does with its transaction, and with its partitions afterwards."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from functools import partial

from makiserve.errors import AbortTransaction, BrokerUnavailable, ConfigurationError, MessageRefused
from makiserve.serving.assignment import Assignment
from makiserve.serving.commit import SLICE_S, Committer
from makiserve.serving.retry import CALL_TIMEOUT, RETRY_TIMEOUT, Retries
from makiserve.serving.schedule import Schedule
from makiserve.serving.sender import Sender
from makiserve.serving.telemetry import Telemetry

logger = logging.getLogger(__name__)

LAST_S = 1.0
"""Time limit for writing checkpoints when partitions are revoked, while the group waits."""

FIRST_PAUSE_S = 0.1
MAX_PAUSE_S = 5.0


@dataclass(eq=False)
class Transactions:
    """The transactions of a worker, one after another.

    Attributes:
        committer: commits in five steps.
        assignment: the partitions, which advance with a commit and rewind after an abort.
        sender: produces the messages.
        schedule: when the next commit is due.
        telemetry: counts commits and aborts.
    """

    committer: Committer
    assignment: Assignment
    sender: Sender
    schedule: Schedule
    telemetry: Telemetry
    _aborts: Retries = field(default_factory=Retries)
    _aborts_in_a_row: int = 0

    @property
    def is_open(self) -> bool:
        """Return whether a transaction is open."""
        return self.committer.producer.is_open

    def schedule_commit(self, began: float) -> None:
        """Schedule a commit; `began` is when the work began that it commits."""
        self.schedule.request_commit(began, has_outputs=self.is_open)

    def commit_if_due(self) -> None:
        """Commit if a commit is due, with checkpoints if those are due."""
        if self.schedule.is_due:
            is_round = any(partition.is_due for partition in self.assignment.partitions.values())
            self.commit(is_saving=self.schedule.is_saving and not is_round)

    def commit(self, *, is_saving: bool = False, limit_s: float = SLICE_S) -> None:
        """Commit everything since the last commit; see `Committer.commit`."""
        began = time.monotonic()
        partitions = self.assignment.partitions.values()
        is_round = is_saving or any(partition.is_due for partition in partitions)
        if self.committer.commit(partitions, is_saving=is_saving, limit_s=limit_s):
            self._aborts_in_a_row = 0
            self.sender.committed()
            self._aborts.succeeded()
            self.telemetry.committed(time.monotonic() - began)
        is_waiting = self.assignment.pause_for_checkpoints()
        self.schedule.committed(
            began,
            is_saving=is_round,
            is_unsaved=self.committer.state_topic is not None and any(partition.is_unsaved for partition in partitions),
            is_unfinished=is_waiting or any(partition.is_due for partition in partitions),
            is_waiting=is_waiting,
        )

    def final_commit(self) -> bool:
        """Commit one last time; return False if that fails and the next owner must score the records again."""
        try:
            self.commit(is_saving=True, limit_s=LAST_S)
        except AbortTransaction as error:
            logger.warning("%s: the next owner will score the records since the last commit", error)
            self.abort()
            return False
        return True

    def abort(self) -> None:
        """Abort the transaction: nothing in it becomes visible."""
        self.sender.aborted()
        self.telemetry.aborted(was_open=self.is_open)
        self.committer.retries.retry(partial(self.committer.producer.abort, CALL_TIMEOUT))

    def abort_and_rewind(self, reason: AbortTransaction) -> None:
        """Abort everything since the last commit and rewind, so that it is scored again.

        Raises:
            ConfigurationError: a topic refuses a message that does not depend on a record.
            BrokerUnavailable: no transaction could be committed within the retry time for a broker.
        """
        self._aborts.failed()
        if self._aborts.should_log:
            logger.warning("%s: the transaction was aborted; its records are scored again", reason)
        if isinstance(reason, MessageRefused):
            if reason.topic == self.committer.state_topic:
                raise ConfigurationError(str(reason)) from reason
            self.sender.isolate_refusal(reason)
        elif self._aborts.lasting_s > RETRY_TIMEOUT.total_seconds():
            raise BrokerUnavailable(
                f"{reason}. No transaction has been committed for {self._aborts.lasting_s:.0f} s"
            ) from reason
        self.abort()
        self.assignment.rewind()
        if not isinstance(reason, MessageRefused):
            time.sleep(min(MAX_PAUSE_S, FIRST_PAUSE_S * 2 ** min(self._aborts_in_a_row, 10)))
        self._aborts_in_a_row += 1
