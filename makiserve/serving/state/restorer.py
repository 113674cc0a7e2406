"""Partitions get their state back, in a thread of its own: the others are served meanwhile."""

from __future__ import annotations

import logging
import time
from concurrent.futures import Future
from dataclasses import dataclass, field

from makiserve.errors import RetryCall, StateError
from makiserve.kafka import OffsetsClient, Watermarks
from makiserve.scoring import Lane, Scorer
from makiserve.serving.background import Background
from makiserve.serving.retry import CALL_TIMEOUT, Retries
from makiserve.serving.rollout.scorers import Scorers
from makiserve.serving.state.checkpoint import CheckpointWriter, OffsetMetadata
from makiserve.serving.state.contents import Contents
from makiserve.serving.state.ownership import require_own_state
from makiserve.serving.state.restore_plan import RestorePlan, StateIdentity, first_plan, lost, next_plan
from makiserve.serving.state.warmup_file import WarmupFile
from makiserve.settings import ServeSettings
from makiserve.stream.engine.parts import Parts

logger = logging.getLogger(__name__)

DOUBT_S = 15.0
"""How long it is doubted that a state is lost."""

AGAIN_S = 0.5


@dataclass(frozen=True)
class Restored:
    """A partition as it begins: where, with which lane, and what writes its checkpoints.

    Attributes:
        is_urgent: whether the first commit must have a checkpoint: the topic alone cannot give this state again.
        rebuilder: what scored the records before the committed offset; None where no state depends on the model.
    """

    beginning: RestorePlan
    lane: Lane
    writer: CheckpointWriter
    is_urgent: bool = False
    rebuilder: Scorer | None = None


@dataclass(eq=False)
class Request:
    """One partition's wish to be restored.

    Attributes:
        number: the partition.
        begun: where it began in this process, if it did: what was never committed may not begin elsewhere now.
        is_over: whether nobody waits for it any more.
        since_s: when it was asked for first, on the monotonic clock.
        answer: the result, or the error; None while a pause is made after an attempt that failed.
        due_s: when that pause is over, on the monotonic clock.
    """

    number: int
    begun: RestorePlan | None = None
    is_over: bool = False
    since_s: float = field(default_factory=time.monotonic)
    answer: Future[Restored | None] | None = None
    due_s: float = 0.0
    _retries: Retries = field(default_factory=Retries)

    def retry(self) -> None:
        """Ask again after a pause, longer from attempt to attempt."""
        self.answer, self.due_s = None, time.monotonic() + self._retries.failed()


class Restorer:
    """Finds for a partition what is committed and the state that belongs to it.

    Args:
        lookup: used by this thread alone.
        settings: of the service; they say how partitions begin.
        scorers: whose lanes these are.
        expected: what marks must say.
        topic: of state; None where the pipelines remember nothing.
        past: the records of a file that come before the topic's; None where there is none.
    """

    def __init__(
        self,
        lookup: OffsetsClient,
        settings: ServeSettings,
        scorers: Scorers,
        expected: StateIdentity,
        topic: str | None,
        past: WarmupFile | None,
    ) -> None:
        self._lookup, self._settings, self._topic = lookup, settings, topic
        self._scorers, self._parts = scorers, tuple(Parts(each) for each in scorers.now.checkpoints)
        self._expected, self._past = expected, past
        self._thread = Background("restore")

    def ask(self, request: Request) -> None:
        """Begin to restore a partition; `request.answer` is done when it is.

        It fails with RetryCall when the broker does not answer, to be asked again, and with StateError when the state
        is lost and the policy is to refuse.
        """
        request.answer = self._thread.submit(lambda: self._restore(request))

    def close(self) -> None:
        """Ends the client when what the thread is doing is done; a broker that does not answer is not waited for."""
        self._thread.submit(self._lookup.close)

    def _restore(self, request: Request) -> Restored | None:
        if request.is_over:
            return None
        number, place = request.number, f"{self._settings.input}[{request.number}]"
        # The committed offset first: asking for it waits for the previous owner's open transaction.
        found = self._lookup.committed(number, CALL_TIMEOUT)
        ends = self._lookup.watermarks(number, CALL_TIMEOUT)
        if (found.offset or 0) > ends.high and time.monotonic() < request.since_s + DOUBT_S:
            raise RetryCall(
                f"{place} ends at {ends.high} and is committed up to {found.offset}"
            )  # a new leader's view?
        if found.offset is None:
            return self._begin(request, request.begun or self._first(number, ends))
        policy, span_start = self._settings.on_state_loss, self._span_start(number, ends.low)
        beginning = next_plan(place, found, ends, self._expected, policy, span_start)
        try:
            if beginning.mark is not None and beginning.checkpoint is not None:
                return self._from_checkpoint(request, place, beginning, beginning.mark)
            return self._begin(request, beginning)
        except StateError as error:
            return self._begin(request, lost(f"{place}: {error}", beginning.committed, policy, span_start))

    def _from_checkpoint(
        self, request: Request, place: str, beginning: RestorePlan, committed: OffsetMetadata
    ) -> Restored | None:
        contents = self._contents(request)
        if request.is_over:
            return None
        try:
            lane, writer = contents.lane(self._parts, committed)
        except StateError as error:
            # A leader that has just been replaced, and does not know, shows less than was committed: look again.
            if time.monotonic() < request.since_s + DOUBT_S:
                time.sleep(AGAIN_S)
                raise RetryCall(f"state topic {self._topic}: {error}") from error
            raise StateError(f"state topic {self._topic}: {error}") from error
        logger.info("%s: %d records of state, of offset %d", place, len(contents.records), beginning.start)
        return Restored(beginning, lane, writer, rebuilder=self._rebuilder(beginning))

    def _begin(self, request: Request, beginning: RestorePlan) -> Restored:
        """Return an empty lane, or one that has seen the records of a file; what the topic holds is another state's."""
        stale = self._contents(request).keys if self._topic else []
        writer, rebuilder = CheckpointWriter(self._parts, stale), self._rebuilder(beginning)
        if beginning.is_new and self._past is not None:
            return Restored(beginning, self._past.lane(request.number), writer, is_urgent=True, rebuilder=rebuilder)
        return Restored(beginning, self._scorers.now.new_lane(), writer, rebuilder=rebuilder)

    def _rebuilder(self, beginning: RestorePlan) -> Scorer | None:
        is_there_anything = beginning.start < beginning.committed
        return self._scorers.of(beginning.release if is_there_anything else "")

    def _contents(self, request: Request) -> Contents:
        contents = Contents()
        assert self._topic  # noqa: S101  only stateful pipelines have marks with a checkpoint
        for records in self._lookup.contents(self._topic, request.number, CALL_TIMEOUT, lambda: request.is_over):
            contents.add(records)
        require_own_state(contents, f"{self._topic}[{request.number}]", self._settings)
        return contents

    def _first(self, number: int, ends: Watermarks) -> RestorePlan:
        first = ends.low if self._settings.start == "earliest" else ends.high
        return first_plan(first, self._span_start(number, first))

    def _span_start(self, number: int, otherwise: int) -> int:
        """The first record within the time of the warm-up; the end where there is none, `otherwise` without one."""
        span = self._settings.warm_up_span
        if span is None:
            return otherwise
        since = time.time() - span.total_seconds()
        return self._lookup.offset_since(number, int(since * 1000), CALL_TIMEOUT)
