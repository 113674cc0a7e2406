"""The worker: one consumer, one transactional producer, one loop.

The loop is sequential, except for two things that run on threads. A batch is scored on a thread that the loop waits
for, so that it can still poll the consumer group. A checkpoint is read on a thread that the loop polls, so that it can
serve other partitions.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from functools import partial

from makiserve.errors import (
    AbortTransaction,
    BrokerUnavailable,
    ConfigurationError,
    MakiserveError,
    MessageRefused,
    PipelineChanged,
    RetryCall,
    TopicsChanged,
)
from makiserve.kafka import (
    Connection,
    InputConsumer,
    Limits,
    Message,
    OffsetsClient,
    TransactionalProducer,
    background_decoder,
)
from makiserve.records import Schema
from makiserve.scoring import Scored, Served
from makiserve.serving.assignment import Assignment
from makiserve.serving.background import Background, StillRunning
from makiserve.serving.commit import SLICE_S, Committer
from makiserve.serving.group_monitor import GroupMonitor
from makiserve.serving.partition import Phase
from makiserve.serving.publisher import Publisher
from makiserve.serving.retry import CALL_TIMEOUT, PATIENCE, Retries, RetryPolicy
from makiserve.serving.rollout.alias_watcher import AliasWatcher
from makiserve.serving.rollout.rollout import Rollout
from makiserve.serving.rollout.scorers import Scorers
from makiserve.serving.schedule import IDLE, AdaptiveBatchSizer, Schedule
from makiserve.serving.sender import Sender
from makiserve.serving.signals import Stop
from makiserve.serving.slices import Slice, slices_from_messages
from makiserve.serving.state.offset_metadata import StateIdentity
from makiserve.serving.state.restorer import Restorer
from makiserve.serving.state.topic import state_topic
from makiserve.serving.state.warmup_file import WarmupFile
from makiserve.serving.telemetry import LagTracker, StateSizer, Telemetry, TelemetrySink, service
from makiserve.serving.topics import Partitions
from makiserve.settings import BrokerSettings, ServeSettings

logger = logging.getLogger(__name__)

LAST_CHECKPOINT = 100_000
"""Maximum number of keys to save when partitions are revoked, while the group waits. Above it, none are saved."""

LAST_S = 3.0
"""Time limit for that save. A checkpoint that is not complete by then is not used."""

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
LONGEST_CALL_PAUSE_S = 1.0
"""Maximum pause after a failed call of the loop. Short, because the group must hear from this member meanwhile."""


class Worker:
    """Serves a model on the partitions that the consumer group assigns to this process.

    Args:
        model: the packaged model, already verified with its reference records.
        broker: connection settings.
        settings: input and output topics, and how to serve.
        partitions: partition counts of the topics.
        stop: checked before every iteration of the loop.
        audience: receives the telemetry.
        publisher: turns scored records into messages.
        watch: source of other model versions; None if only this one is served.
        monitor: inspects the group and its topics; None to skip this.
    """

    def __init__(
        self,
        model: Served,
        broker: BrokerSettings,
        settings: ServeSettings,
        partitions: Partitions,
        stop: Stop,
        audience: TelemetrySink = TelemetrySink(),  # noqa: B008  frozen
        publisher: type[Publisher] = Publisher,
        watch: AliasWatcher | None = None,
        monitor: GroupMonitor | None = None,
    ) -> None:
        connection = Connection(broker)
        self._stop = stop
        self._partitions, self._monitor = partitions, monitor
        self._settings = settings
        self._schema = Schema(model.record, settings.na_values or None)
        self._decoder = background_decoder(self._schema, broker)
        self._scorers = Scorers(model)
        scorer = self._scorers.now
        topic = None if scorer.stateless else state_topic(broker.group)
        written = (settings.output, settings.dead_letters, settings.shadow_output, topic)
        self._limits = Limits(connection, filter(None, written))
        self._limits.read()
        self._producer = TransactionalProducer(connection, self._limits.smallest_bytes)
        self._sender = Sender(self._producer, self._limits)
        self._producer.init(broker.patience)
        self._consumer = InputConsumer(connection, settings.input)
        self._about = partial(service, scorer=scorer, broker=broker, settings=settings)
        lanes, sizes = LagTracker(self._consumer.end), StateSizer(scorer)
        self._telemetry = Telemetry(audience, self._about(model), lanes, sizes, model.profile)
        self._patience = RetryPolicy(stop, self._telemetry.alive)
        self._publisher = publisher(self._sender, settings, model, partitions.dead_letters)
        expected = StateIdentity(topic and scorer.fingerprint, model.digest, partitions.input, settings.input)
        past = None
        if topic and settings.warm_up_file:
            past = WarmupFile(settings.warm_up_file, partitions.input, self._schema, model.scorer(is_tracked=True))
        lookup = OffsetsClient(connection, settings.input)
        restorer = Restorer(lookup, settings, self._scorers, expected, topic, past)
        self._assignment = Assignment(self._consumer, restorer, self._scorers.release)
        self._swap = Rollout(self._scorers, self._assignment, watch, self._tell)
        self._committer = Committer(self._producer, self._consumer, self._patience, topic, expected)
        self._thread = Background("score")
        self._pace = AdaptiveBatchSizer(settings.commit_interval, settings.max_batch)
        self._schedule = Schedule(settings.commit_interval)
        self._has_told_batch = False
        self._aborts_in_a_row = 0
        self._calls, self._aborts = Retries(LONGEST_CALL_PAUSE_S), Retries()

    @property
    def model(self) -> Served:
        """The model version that scores."""
        return self._scorers.model

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
            self._consumer.subscribe(self._on_assigned, self._on_revoked, self._on_lost)
            while not self._stop.asked and not self._swap.restart_required_for:
                self._turn()
            is_drained = self._commit_or_leave()
        except BaseException:
            self._close_dirty()
            raise
        self._assignment.close()
        self._consumer.close()
        self._decoder.close()
        self._telemetry.log()
        if is_drained:
            logger.info("drained: every record that was scored is committed")
        if self._swap.restart_required_for and not self._stop.asked:
            raise PipelineChanged(
                f"{self._swap.restart_required_for} has another pipeline, which a fresh process serves"
            )

    def _turn(self) -> None:
        """Receive, score and publish a batch; commit if a commit is due."""
        try:
            self._look_at_group()
            if self._assignment.is_restoring and self._assignment.take_restored():
                self._note_work(time.monotonic())  # so that a start offset that was never committed is committed
            if self._swap.turn(lambda: self._commit(is_saving=False)):
                self._note_work(time.monotonic())
            if self._assignment.hold_for_checkpoints():
                self._commit(is_saving=False)
            is_waiting = self._assignment.hold_for_schemas(self._decoder)
            wait = self._schedule.wait(is_restoring=self._assignment.is_restoring or is_waiting)
            messages = self._consumer.receive(self._pace.records, wait)
            if messages:
                self._score(messages)
            elif wait == IDLE:
                self._telemetry.idle(self._assignment.partitions.values())
            self._producer.poll()
            self._limits.refresh()
            if self._schedule.is_due:
                is_round = any(each.is_due for each in self._assignment.partitions.values())
                self._commit(is_saving=self._schedule.is_saving and not is_round)
        except RetryCall as error:
            time.sleep(self._note_call(error))
        except AbortTransaction as error:
            self._redo(error)
        self._telemetry.turned(self._assignment.partitions.values())

    def _note_call(self, error: RetryCall) -> float:
        """Record a failed call of the loop; return the seconds to wait before the retry."""
        pause_s = self._calls.failed()
        if self._calls.is_news:
            logger.warning("%s; trying again, attempt %d", error, self._calls.count)
        return pause_s

    def _look_at_group(self) -> None:
        """Take what the monitor has found; rejoin the group if it has left partitions without an owner.

        Raises:
            TopicsChanged: a topic has changed since startup.
        """
        monitor = self._monitor
        if monitor is None or not monitor.turn():
            return
        self._telemetry.looked(monitor.partitions())
        if monitor.should_rejoin(self._consumer.member, self._consumer.assigned):
            logger.warning("partitions without an owner: %s; rejoining the group", monitor.words())
            self._consumer.rejoin()

    def _score(self, messages: list[Message]) -> None:
        began, stages = time.monotonic(), self._telemetry.stages
        stages.begin()
        slices = list(slices_from_messages(messages, self._assignment.partitions, self._decoder, self._scorers.now))
        stages.end("decode")
        if not slices:
            return  # every record waits for its schema
        messages = [message for each in slices for message in each.messages]
        try:
            results = self._thread.run(
                lambda: self._scored(slices),
                lambda: self._keep_alive(len(messages), began),
                lambda: self._stop.batch_left_s() <= 0,
            )
        except StillRunning:
            logger.warning(
                "ending: a batch of %d records is not scored after %.0f s; it is left to the next owner",
                len(messages),
                time.monotonic() - began,
            )
            return
        for each, scored in results:
            if not each.partition.is_of(each.batch.lane):
                continue  # revoked or rewound meanwhile
            if scored is not None:
                published = self._publisher.publish(each.messages, each.batch, scored)
                self._telemetry.add(each.messages, scored, published)
                self._swap.scored(len(each.messages), published)
            each.partition.advance(each.next_offset)
        for each in slices:  # only now: after an error states are ahead of the outputs
            each.partition.take_back(each.batch.lane)
        self._swap.check()
        took = time.monotonic() - began
        self._pace.note(len(messages), took)
        if not all(each.is_silent for each in slices):
            stages.end("publish")
            self._telemetry.batch(messages, took)
        self._note_work(began)

    def _scored(self, slices: list[Slice]) -> list[tuple[Slice, Scored | None]]:
        """Score the slices; the result is None for a slice that only restores state. Runs on the scoring thread."""
        scorer = self._scorers.now
        for each in slices:
            if each.is_silent:
                (each.partition.rebuilder or scorer).rebuild(each.batch)
        stages = self._telemetry.stages
        if any(each.is_silent for each in slices):
            stages.end("restore")
        live = [each for each in slices if not each.is_silent]
        found, model_s = scorer.score_timed([each.batch for each in live])
        if live:
            stages.end("features", model_s)
        return [(each, None) for each in slices if each.is_silent] + list(zip(live, found, strict=True))

    def _tell(self, model: Served) -> None:
        """Switch outputs and the status page to another model version."""
        self._publisher.serve(model)
        self._telemetry.swapped(self._about(model), model.profile)

    def _keep_alive(self, records: int, began: float) -> None:
        """Commit earlier batches and poll, so that neither transaction nor membership expires during a batch."""
        if self._stop.asked and not self._has_told_batch:
            self._has_told_batch = True
            logger.info(
                "draining: waiting for a batch of %d records that has been scored for %.0f s, for at most %.0f s more",
                records,
                time.monotonic() - began,
                self._stop.batch_left_s(),
            )
        if self._producer.is_open:
            self._commit(is_saving=False)
        try:
            self._consumer.keep_alive()
        except RetryCall as error:  # raising it here would drop the batch that is being scored
            self._note_call(error)
        self._telemetry.alive()

    def _note_work(self, began: float) -> None:
        self._schedule.begun(began, has_outputs=self._producer.is_open)

    def _commit(self, *, is_saving: bool, limit_s: float = SLICE_S) -> None:
        began = time.monotonic()
        partitions = self._assignment.partitions.values()
        if is_saving and self._producer.is_open:  # or the transaction would age during the checkpoints
            self._committer.commit(partitions, is_saving=False)
            self._sender.committed()
        is_round = is_saving or any(each.is_due for each in partitions)
        if self._committer.commit(partitions, is_saving=is_saving, limit_s=limit_s):
            self._aborts_in_a_row = 0
            self._sender.committed()
            self._aborts.succeeded()
            self._telemetry.committed(time.monotonic() - began)
        is_waiting = self._assignment.hold_for_checkpoints()
        self._schedule.committed(
            began,
            is_saving=is_round,
            is_unsaved=self._committer.state_topic is not None and any(each.is_unsaved for each in partitions),
            is_unfinished=is_waiting or any(each.is_due for each in partitions),
        )

    def _touched(self) -> int:
        partitions = self._assignment.partitions.values()
        return sum(each.writer.touched(each.lane) for each in partitions if each.is_unsaved and not each.is_lent)

    def _commit_or_leave(self) -> bool:
        """Commit one last time; return False if that fails and the next owner must score the records again."""
        try:
            is_saving = self._touched() <= LAST_CHECKPOINT
            self._commit(is_saving=is_saving, limit_s=LAST_S if is_saving else SLICE_S)
        except AbortTransaction as error:
            logger.warning("%s: what was scored since the last commit is left to the next owner", error)
            self._abort()
            return False
        return True

    def _abort(self) -> None:
        self._sender.aborted()
        self._telemetry.aborted(was_open=self._producer.is_open)
        self._patience.retry(partial(self._producer.abort, CALL_TIMEOUT))

    def _redo(self, reason: AbortTransaction) -> None:
        """Abort everything since the last commit and rewind, so that it is scored again.

        Raises:
            ConfigurationError: a topic refuses a message that does not depend on a record.
            BrokerUnavailable: no transaction could be committed within the retry time for a broker.
        """
        self._aborts.failed()
        if self._aborts.is_news:
            logger.warning("%s: the transaction is aborted, its records are scored again", reason)
        if isinstance(reason, MessageRefused):
            if reason.topic == self._committer.state_topic:
                raise ConfigurationError(str(reason)) from reason
            self._sender.narrow(reason)
        elif self._aborts.lasting_s > PATIENCE.total_seconds():
            raise BrokerUnavailable(
                f"{reason}. No transaction could be committed for {self._aborts.lasting_s:.0f} s"
            ) from reason
        self._abort()
        self._assignment.rewind()
        if not isinstance(reason, MessageRefused):
            time.sleep(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(self._aborts_in_a_row, 10)))
        self._aborts_in_a_row += 1

    def _on_assigned(self, numbers: list[int]) -> dict[int, None]:
        self._telemetry.counts.rebalances += 1
        if (now := max(numbers) + 1) > self._partitions.input:
            topic = self._consumer.topic
            raise TopicsChanged(f"{topic} had {self._partitions.input} partitions and has {now} or more now")
        return self._assignment.add(numbers)

    def _on_revoked(self, numbers: list[int]) -> None:
        self._telemetry.counts.rebalances += 1
        is_committed = self._commit_or_leave()
        self._assignment.drop(numbers, Phase.REVOKED)
        if not is_committed:
            self._assignment.rewind()

    def _on_lost(self, numbers: list[int]) -> None:
        """Abort and drop lost partitions. Another member may own them already, so nothing may become visible."""
        self._telemetry.counts.rebalances += 1
        self._abort()
        self._assignment.drop(numbers, Phase.LOST)
        self._assignment.rewind()

    def _close_dirty(self) -> None:
        """Close without a commit: half a batch may have been produced. Errors here do not mask the first one."""
        if self._producer.is_open:
            logger.warning("ending: what was scored since the last commit is left to the next owner")
        self._assignment.close()
        self._decoder.close()
        for close in (partial(self._producer.abort, CALL_TIMEOUT), self._consumer.close):
            with suppress(MakiserveError):
                close()
