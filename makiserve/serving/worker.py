"""The worker: one consumer, one transactional producer, one synchronous loop."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from datetime import timedelta
from functools import partial

from makiserve.errors import AbortTransaction, MakiserveError, RetryCall
from makiserve.kafka import Connection, InputConsumer, Message, TransactionalProducer
from makiserve.schema import Schema
from makiserve.scoring import Served
from makiserve.serving.assignment import Assignment
from makiserve.serving.batch import Slice, slices_from_messages
from makiserve.serving.commit import commit
from makiserve.serving.partition import Phase
from makiserve.serving.patience import CALL, Patience
from makiserve.serving.publisher import Publisher
from makiserve.serving.signals import Stop
from makiserve.serving.summary import Summary
from makiserve.settings import BrokerSettings, ServeSettings

logger = logging.getLogger(__name__)

QUIET_COMMIT = timedelta(seconds=1)
"""How often offsets are committed that come with no output: nobody waits for them."""

IDLE = timedelta(milliseconds=500)
"""How long the loop waits for records: a signal is noticed within this time."""

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0


class Worker:
    """Serves a model on the partitions that the group gives to this process.

    Args:
        model: the packaged model, its reference records checked.
        broker: how to reach the broker.
        settings: what to serve from where to where.
        dead_partitions: how many partitions the dead-letter topic has.
        stop: asked before every turn.
        publisher: makes messages of what is scored.
    """

    def __init__(
        self,
        model: Served,
        broker: BrokerSettings,
        settings: ServeSettings,
        dead_partitions: int,
        stop: Stop,
        publisher: type[Publisher] = Publisher,
    ) -> None:
        connection = Connection(broker)
        self._stop = stop
        self._patience = Patience(stop)
        self._settings = settings
        self._schema = Schema(model.record)
        self._scorer = model.scorer()
        self._producer = TransactionalProducer(connection)
        self._producer.init(broker.patience)
        self._consumer = InputConsumer(connection, settings.input)
        self._publisher = publisher(self._producer, settings, model, dead_partitions)
        self._assignment = Assignment(self._consumer, self._scorer, settings.start, self._patience)
        self._summary = Summary()
        self._due: float | None = None
        self._aborts_in_a_row = 0

    def run(self) -> None:
        """Serve until asked to stop, then drain: what has been scored is committed and the group is left.

        Raises:
            BrokerUnavailable: the broker has been away for too long.
            Fenced: another instance has taken over, or the broker has given the transaction up.
            StateError: the state cannot be rebuilt.
        """
        try:
            self._consumer.subscribe(self._on_assigned, self._on_revoked, self._on_lost)
            while not self._stop.asked:
                self._turn()
            is_drained = self._commit_or_leave()
        except BaseException:
            self._close_dirty()
            raise
        self._consumer.close()
        self._summary.log()
        if is_drained:
            logger.info("drained: every record that was scored is committed")

    def _turn(self) -> None:
        """Receive, score, publish; commit when it is due."""
        try:
            messages = self._consumer.receive(self._settings.max_batch, self._wait())
            if messages:
                self._score(messages)
            self._producer.poll()
            if self._due is not None and time.monotonic() >= self._due:
                self._commit()
        except RetryCall as error:
            logger.warning("%s; trying again", error)
        except AbortTransaction as error:
            self._redo(error)
        self._summary.log_when_due()

    def _score(self, messages: list[Message]) -> None:
        began = time.monotonic()
        slices = list(slices_from_messages(messages, self._assignment.partitions, self._schema))
        live = [each for each in slices if not each.is_silent]
        for each in slices:
            if each.is_silent:
                self._scorer.rebuild(each.batch)
                _advance(each)
        for each, scored in zip(live, self._scorer.score([each.batch for each in live]), strict=True):
            published = self._publisher.publish(each.messages, each.batch, scored)
            _advance(each)
            self._summary.add(len(each.messages), published)
        if live:
            self._set_due(began)

    def _set_due(self, began: float) -> None:
        # From the beginning of the batch: a slow model must not leave its transaction open over the next batch.
        interval = self._settings.commit_interval if self._producer.is_open else QUIET_COMMIT
        due = began + interval.total_seconds()
        self._due = due if self._due is None else min(self._due, due)

    def _wait(self) -> timedelta:
        if self._due is None:
            return IDLE
        return min(IDLE, timedelta(seconds=max(0.0, self._due - time.monotonic())))

    def _commit(self) -> None:
        partitions = self._assignment.partitions.values()
        if commit(self._producer, self._consumer, partitions, self._scorer.fingerprint, self._patience):
            self._aborts_in_a_row = 0
            self._summary.commits += 1
        self._due = None

    def _commit_or_leave(self) -> bool:
        """The last chance to commit; what cannot be committed is the next owner's to score again."""
        try:
            self._commit()
        except AbortTransaction as error:
            logger.warning("%s: what was scored since the last commit is left to the next owner", error)
            self._abort()
            return False
        return True

    def _abort(self) -> None:
        self._patience.insist(partial(self._producer.abort, CALL))

    def _redo(self, reason: AbortTransaction) -> None:
        """Take everything since the last commit back, and go on from there."""
        self._summary.aborts += 1
        logger.warning("%s: the transaction is aborted, its records are scored again", reason)
        self._abort()
        self._assignment.rewind()
        time.sleep(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(self._aborts_in_a_row, 10)))
        self._aborts_in_a_row += 1

    def _on_assigned(self, numbers: list[int]) -> dict[int, int]:
        starts = self._assignment.add(numbers)
        self._set_due(time.monotonic())  # a start that was never committed is
        return starts

    def _on_revoked(self, numbers: list[int]) -> None:
        is_committed = self._commit_or_leave()
        self._assignment.drop(numbers, Phase.REVOKED)
        if not is_committed:
            self._assignment.rewind()

    def _on_lost(self, numbers: list[int]) -> None:
        """Another member has them already: nothing of theirs may become visible."""
        self._abort()
        self._assignment.drop(numbers, Phase.LOST)
        self._assignment.rewind()

    def _close_dirty(self) -> None:
        """End without a commit: half of a batch may have been produced. What fails here hides nothing."""
        if self._producer.is_open:
            logger.warning("ending: what was scored since the last commit is left to the next owner")
        for close in (partial(self._producer.abort, CALL), self._consumer.close):
            with suppress(MakiserveError):
                close()


def _advance(each: Slice) -> None:
    each.partition.advance(each.messages[-1].offset() + 1)
