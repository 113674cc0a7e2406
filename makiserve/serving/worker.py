"""The worker: one consumer, one transactional producer, one loop.

The loop is sequential, except for two things that run on threads. A batch is processed on a thread that the loop waits
for, so that it can still poll the consumer group. A checkpoint is read on a thread that the loop polls, so that it can
serve other partitions.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter

from makiserve.errors import AbortTransaction, MakiserveError, PipelineChanged, RetryCall, TopicsChanged
from makiserve.kafka import InputConsumer, Limits, Message, MessageDecoder, TransactionalProducer
from makiserve.serving.assignment import Assignment
from makiserve.serving.background import Background, StillRunning
from makiserve.serving.batches import Slice, slices_from_messages
from makiserve.serving.group_monitor import GroupMonitor
from makiserve.serving.partition import Phase
from makiserve.serving.processor import Processed, Processor
from makiserve.serving.publisher import Publisher
from makiserve.serving.retry import CALL_TIMEOUT, Retries
from makiserve.serving.rollout.rollout import Rollout
from makiserve.serving.schedule import IDLE, AdaptiveBatchSizer
from makiserve.serving.signals import Stop
from makiserve.serving.telemetry import Telemetry, Timings
from makiserve.serving.transactions import Transactions

logger = logging.getLogger(__name__)

MAX_CALL_PAUSE_S = 1.0
"""Maximum pause after a failed call of the loop. Short, because the group must hear from this member meanwhile."""


@dataclass(eq=False)
class Worker:
    """Processes the records of the partitions that the consumer group assigns to this process.

    `assemble` builds it.

    Attributes:
        processor: scores the records, or gives them another key.
        consumer: reads the input.
        decoder: decodes its messages.
        producer: writes the transactions.
        limits: limits of the topics that are written to.
        assignment: the partitions.
        transactions: commits and aborts.
        publisher: produces the outgoing messages.
        telemetry: counts and reports.
        rollout: switches model versions; None if only one version processes the records.
        monitor: inspects the group and its topics; None to skip this.
        batch_sizer: limits the size of a batch.
        stop: checked before every iteration of the loop.
        partitions: partition count of the input at startup.
    """

    processor: Processor
    consumer: InputConsumer
    decoder: MessageDecoder
    producer: TransactionalProducer
    limits: Limits
    assignment: Assignment
    transactions: Transactions
    publisher: Publisher
    telemetry: Telemetry
    rollout: Rollout | None
    monitor: GroupMonitor | None
    batch_sizer: AdaptiveBatchSizer
    stop: Stop
    partitions: int
    _thread: Background = field(default_factory=lambda: Background("score"))
    _calls: Retries = field(default_factory=lambda: Retries(MAX_CALL_PAUSE_S))
    _has_logged_batch: bool = False

    def run(self) -> None:
        """Serve until asked to stop, then drain: commit what has been scored and leave the group.

        Raises:
            BrokerUnavailable: the broker has been unreachable for too long.
            Fenced: another instance has taken over, or the broker has aborted the transaction.
            StateError: the state of a partition is lost.
            PipelineChanged: the worker has drained, and a new process must serve the new pipeline.
            TopicsChanged: a topic has changed since startup.
        """
        try:
            self.consumer.subscribe(self._on_assigned, self._on_revoked, self._on_lost)
            while not self.stop.is_requested and not self._restart_required_for:
                self._run_once()
            is_drained = self.transactions.final_commit()
        except BaseException:
            self._close_dirty()
            raise
        self.assignment.close()
        self.consumer.close()
        self.decoder.close()
        self.telemetry.log()
        if is_drained:
            logger.info("drained: all scored records are committed")
        if self._restart_required_for and not self.stop.is_requested:
            raise PipelineChanged(
                f"{self._restart_required_for} has another pipeline, which only a new process can serve"
            )

    @property
    def _restart_required_for(self) -> str | None:
        return self.rollout.restart_required_for if self.rollout else None

    def _run_once(self) -> None:
        """Receive, process and publish a batch; commit if a commit is due."""
        try:
            self._check_group()
            if self.assignment.is_restoring and self.assignment.take_restored():
                self.transactions.schedule_commit(time.monotonic())  # so that a new start offset is committed
            if self.rollout and self.rollout.poll(self.transactions.commit):
                self.transactions.schedule_commit(time.monotonic())
            if self.assignment.pause_for_checkpoints():
                self.transactions.commit()
            is_waiting = self.assignment.pause_for_schemas(self.decoder)
            wait = self.transactions.schedule.wait(is_restoring=self.assignment.is_restoring or is_waiting)
            messages = self.consumer.receive(self.batch_sizer.records, wait)
            if messages:
                self._take(messages)
            elif wait == IDLE:
                self.telemetry.idle(self.assignment.partitions.values())
            self.producer.poll()
            self.limits.refresh()
            self.transactions.commit_if_due()
        except RetryCall as error:
            time.sleep(self._note_call(error))
        except AbortTransaction as error:
            self.transactions.abort_and_rewind(error)
        self.telemetry.iterated(self.assignment.partitions.values())

    def _note_call(self, error: RetryCall) -> float:
        """Record a failed call of the loop; return the seconds to wait before the retry."""
        pause_s = self._calls.failed()
        if self._calls.should_log:
            logger.warning("%s; retrying, attempt %d", error, self._calls.count)
        return pause_s

    def _check_group(self) -> None:
        """Take what the monitor has found; rejoin the group if it has left partitions without an owner.

        Raises:
            TopicsChanged: a topic has changed since startup.
        """
        monitor = self.monitor
        if monitor is None or not monitor.poll():
            return
        self.telemetry.group_observed(monitor.partitions())
        if monitor.should_rejoin(self.consumer.member, self.consumer.assigned):
            logger.warning("partitions without an owner: %s; rejoining the group", monitor.rejoin_reason())
            self.consumer.rejoin()

    def _take(self, messages: list[Message]) -> None:
        """Process and publish a batch."""
        began, stages = time.monotonic(), self.telemetry.stages
        stages.begin()
        slices = list(slices_from_messages(messages, self.assignment.partitions, self.decoder, self.processor))
        stages.end("decode")
        if not slices:
            return  # every record waits for its schema
        messages = [message for slice_ in slices for message in slice_.messages]
        try:
            results, timings = self._thread.run(
                lambda: self._process(slices),
                lambda: self._keep_alive(len(messages), began),
                lambda: self.stop.batch_left_s() <= 0,
            )
        except StillRunning:
            logger.warning(
                "exiting: a batch of %d records is not scored after %.0f s; the next owner will score it",
                len(messages),
                time.monotonic() - began,
            )
            return
        stages.processed(timings)
        for slice_, processed in results:
            self._publish(slice_, processed)
        for slice_ in slices:  # only now: after an error states are ahead of the outputs
            slice_.partition.take_back(slice_.batch.lane)
        if self.rollout:
            self.rollout.check()
        took = time.monotonic() - began
        self.batch_sizer.observe(len(messages), took)
        if timings.process_s is not None:
            stages.end("publish")
            self.telemetry.batch(messages, took)
        self.transactions.schedule_commit(began)

    def _process(self, slices: list[Slice]) -> tuple[list[tuple[Slice, Processed | None]], Timings]:
        """Process the slices; the result is None for one that only restores state. Runs on the scoring thread."""
        silent, live = ([slice_ for slice_ in slices if slice_.is_silent is is_silent] for is_silent in (True, False))
        began = perf_counter()
        for slice_ in silent:
            (slice_.partition.rebuilder or self.processor).rebuild(slice_.unseen)
        restored = perf_counter()
        processed, model_s = self.processor.process(live)
        ended = perf_counter()
        timings = Timings(restored - began if silent else None, ended - restored if live else None, model_s)
        return [(slice_, None) for slice_ in silent] + list(zip(live, processed, strict=True)), timings

    def _publish(self, given: Slice, processed: Processed | None) -> None:
        if not given.partition.has_lane(given.batch.lane):
            return  # revoked or rewound meanwhile
        if processed is not None:
            published = self.publisher.publish(given.messages, processed)
            self.telemetry.add(given.messages, processed.scored, published)
            if self.rollout:
                self.rollout.scored(len(given.messages), published)
        given.partition.advance(given.next_offset)

    def _keep_alive(self, records: int, began: float) -> None:
        """Commit earlier batches and poll, so that neither transaction nor membership expires during a batch."""
        if self.stop.is_requested and not self._has_logged_batch:
            self._has_logged_batch = True
            logger.info(
                "draining: a batch of %d records has been in progress for %.0f s; waiting at most %.0f s more",
                records,
                time.monotonic() - began,
                self.stop.batch_left_s(),
            )
        if self.transactions.is_open:
            self.transactions.commit()
        try:
            self.consumer.keep_alive()
        except RetryCall as error:  # raising it here would drop the batch that is being scored
            self._note_call(error)
        self.telemetry.heartbeat()

    def _on_assigned(self, numbers: list[int]) -> dict[int, None]:
        self.telemetry.counts.total.rebalances += 1
        if (now := max(numbers) + 1) > self.partitions:
            raise TopicsChanged(f"{self.consumer.topic} had {self.partitions} partitions and now has at least {now}")
        return self.assignment.add(numbers)

    def _on_revoked(self, numbers: list[int]) -> None:
        self.telemetry.counts.total.rebalances += 1
        is_committed = self.transactions.final_commit()
        self.assignment.drop(numbers, Phase.REVOKED)
        if not is_committed:
            self.assignment.rewind()

    def _on_lost(self, numbers: list[int]) -> None:
        """Abort and drop lost partitions. Another member may own them already, so nothing may become visible."""
        self.telemetry.counts.total.rebalances += 1
        self.transactions.abort()
        self.assignment.drop(numbers, Phase.LOST)
        self.assignment.rewind()

    def _close_dirty(self) -> None:
        """Close without a commit: half a batch may have been produced. Errors here do not mask the first one."""
        if self.transactions.is_open:
            logger.warning("exiting: the next owner will score the records since the last commit")
        self.assignment.close()
        self.decoder.close()
        for close in (partial(self.producer.abort, CALL_TIMEOUT), self.consumer.close):
            with suppress(MakiserveError):
                close()
