"""Restore the state of partitions on a separate thread, while other partitions are served."""

from __future__ import annotations

import logging
import time
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Protocol

from makiserve.errors import RetryCall, StateError
from makiserve.kafka import OffsetsClient, Watermarks
from makiserve.scoring import Batch, Lane
from makiserve.serving.background import Background
from makiserve.serving.retry import CALL_TIMEOUT, Retries
from makiserve.serving.state.checkpoint_writer import CheckpointWriter
from makiserve.serving.state.contents import Contents
from makiserve.serving.state.offset_metadata import OffsetMetadata, Position, StateIdentity
from makiserve.serving.state.ownership import require_own_state
from makiserve.serving.state.seen import SeenRecords
from makiserve.serving.state.start_position import committed_position, first_position, position_after_loss
from makiserve.serving.state.warmup_file import WarmupFile
from makiserve.settings import ServeSettings
from makiserve.stream.columns.engine_choice import AnyCheckpoints, Engine, parts_of

logger = logging.getLogger(__name__)

DOUBT_S = 15.0
"""How long to retry before a state is considered lost."""

RETRY_PAUSE_S = 0.5


class Rebuilder(Protocol):
    """Restores state from records that were processed before."""

    def rebuild(self, batch: Batch) -> None:
        """Process the records of a batch again, without output."""


class Stateful(Rebuilder, Protocol):
    """The part of a processor that state depends on."""

    @property
    def checkpoints(self) -> tuple[AnyCheckpoints, ...]:
        """The checkpoints of each program, in the order of `Lane.states`."""

    @property
    def keys(self) -> Engine | None:
        """The program that computes the key of each record; None unless the groups are independent of each other."""

    def new_lane(self) -> Lane:
        """Return a lane with the initial states."""

    def rebuilder(self, model_version: str) -> Rebuilder | None:
        """Return what restores from records of a model version; None if any version will do.

        Args:
            model_version: the version; empty for the current one.

        Raises:
            StateError: the version can no longer be loaded.
            RetryCall: the registry does not respond.
        """


@dataclass(frozen=True)
class Restored:
    """A restored partition: its position, its lane and its checkpoint writer.

    Attributes:
        is_urgent: whether the first commit must include a checkpoint: the topic alone cannot restore this state.
        rebuilder: restores from the records before the committed offset; None if no state depends on the model.
        seen: those of these records that their group has seen already; None if there are none.
    """

    position: Position
    lane: Lane
    writer: CheckpointWriter
    is_urgent: bool = False
    rebuilder: Rebuilder | None = None
    seen: SeenRecords | None = None


@dataclass(eq=False)
class RestoreRequest:
    """A request to restore one partition.

    Attributes:
        number: the partition.
        initial_position: the position at which it started in this process before; None if it did not. It must start
            there again if nothing is committed.
        is_over: whether the request is cancelled.
        since_s: time of the first request, on the monotonic clock.
        answer: the result or the error; None during a pause after a failed attempt.
        due_s: end of that pause, on the monotonic clock.
    """

    number: int
    initial_position: Position | None = None
    is_over: bool = False
    since_s: float = field(default_factory=time.monotonic)
    answer: Future[Restored | None] | None = None
    due_s: float = 0.0
    _retries: Retries = field(default_factory=Retries)

    def retry(self) -> None:
        """Schedule another attempt after a pause, which grows from attempt to attempt."""
        self.answer, self.due_s = None, time.monotonic() + self._retries.failed()


class Restorer:
    """Finds the committed offset of a partition and restores the state that belongs to it.

    Args:
        offsets: client that only this thread uses.
        settings: settings of the service, which define how partitions begin.
        processor: the processor that the lanes belong to.
        expected: the values that offset metadata must have.
        topic: the state topic; None if the pipelines are stateless.
        warmup_file: file of records that precede those of the topic; None if there is none.
    """

    def __init__(
        self,
        offsets: OffsetsClient,
        settings: ServeSettings,
        processor: Stateful,
        expected: StateIdentity,
        topic: str | None,
        warmup_file: WarmupFile | None,
    ) -> None:
        self._offsets, self._settings, self._topic = offsets, settings, topic
        self._processor, self._parts = processor, tuple(map(parts_of, processor.checkpoints))
        self._expected, self._warmup_file = expected, warmup_file
        self._thread = Background("restore")

    def submit(self, request: RestoreRequest) -> None:
        """Begin to restore a partition; `request.answer` is done when it is restored.

        The answer fails with RetryCall if the broker does not respond, so that the caller retries. It fails with
        StateError if the state is lost and the policy is to refuse.
        """
        request.answer = self._thread.submit(lambda: self._restore(request))

    def close(self) -> None:
        """Close the client after the thread's current call, without waiting for it."""
        self._thread.submit(self._offsets.close)

    def _restore(self, request: RestoreRequest) -> Restored | None:
        if request.is_over:
            return None
        number, place = request.number, f"{self._settings.input}[{request.number}]"
        # The committed offset first: the request waits for the previous owner's open transaction.
        committed = self._offsets.committed(number, CALL_TIMEOUT)
        ends = self._offsets.watermarks(number, CALL_TIMEOUT)
        if (committed.offset or 0) > ends.high and time.monotonic() < request.since_s + DOUBT_S:
            # The partition may have a new leader that lags behind.
            raise RetryCall(f"{place} ends at {ends.high} but is committed up to {committed.offset}")
        if committed.offset is None:
            return self._begin(request, request.initial_position or self._first(number, ends), ends)
        policy, span_start = self._settings.on_state_loss, self._span_start(number, ends.low)
        position = committed_position(place, committed, ends, self._expected, policy, span_start)
        try:
            if position.metadata is not None and position.checkpoint is not None:
                return self._from_checkpoint(request, place, position, position.metadata)
            return self._begin(request, position, ends)
        except StateError as error:
            lost = position_after_loss(f"{place}: {error}", position.committed, policy, span_start)
            return self._begin(request, lost, ends)

    def _from_checkpoint(
        self, request: RestoreRequest, place: str, position: Position, committed: OffsetMetadata
    ) -> Restored | None:
        contents = self._contents(request)
        if request.is_over:
            return None
        try:
            saved = contents.saved(self._parts, committed, is_spread=self._processor.keys is not None)
        except StateError as error:
            # A leader that does not know that it was replaced returns less than was committed: try again.
            if time.monotonic() < request.since_s + DOUBT_S:
                time.sleep(RETRY_PAUSE_S)
                raise RetryCall(f"state topic {self._topic}: {error}") from error
            raise StateError(f"state topic {self._topic}: {error}") from error
        logger.info(
            "%s: restored %d state records, checkpoint of offset %d", place, len(contents.records), position.start
        )
        seen = SeenRecords(self._processor.keys, saved.seen) if self._processor.keys and saved.seen else None
        return Restored(position, saved.lane, saved.writer, rebuilder=self._rebuilder(position), seen=seen)

    def _begin(self, request: RestoreRequest, position: Position, ends: Watermarks) -> Restored:
        """Return a lane that is empty or warmed up from a file; the topic's contents belong to another state."""
        if position.start < position.committed:  # the restore ends with a record, and markers may follow the last one
            before = Watermarks(ends.low, position.committed)
            end = self._offsets.end_of_records(request.number, before, CALL_TIMEOUT)
            position = replace(position, committed=max(position.start, end))
        stale = self._contents(request).keys if self._topic else []
        is_spread, rebuilder = self._processor.keys is not None, self._rebuilder(position)
        writer = CheckpointWriter(self._parts, is_spread=is_spread, origin=position.origin, stale=stale)
        if position.is_new and self._warmup_file is not None:
            return Restored(
                position, self._warmup_file.lane(request.number), writer, is_urgent=True, rebuilder=rebuilder
            )
        return Restored(position, self._processor.new_lane(), writer, rebuilder=rebuilder)

    def _rebuilder(self, position: Position) -> Rebuilder | None:
        is_there_anything = position.start < position.committed
        return self._processor.rebuilder(position.model_version if is_there_anything else "")

    def _contents(self, request: RestoreRequest) -> Contents:
        contents = Contents()
        assert self._topic  # noqa: S101  only stateful pipelines have marks with a checkpoint
        for records in self._offsets.contents(self._topic, request.number, CALL_TIMEOUT, lambda: request.is_over):
            contents.add(records)
        require_own_state(contents, f"{self._topic}[{request.number}]", self._settings)
        return contents

    def _first(self, number: int, ends: Watermarks) -> Position:
        first = ends.low if self._settings.start == "earliest" else ends.high
        return first_position(first, self._span_start(number, first))

    def _span_start(self, number: int, otherwise: int) -> int:
        """Return the first offset within the warm-up span, the end if no record is, or `otherwise` without a span."""
        span = self._settings.warm_up_span
        if span is None:
            return otherwise
        since = time.time() - span.total_seconds()
        return self._offsets.offset_since(number, int(since * 1000), CALL_TIMEOUT)
