"""Measurements of a worker: counts, stages, state sizes, memory, recent outputs."""

from __future__ import annotations

import resource
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from time import perf_counter
from typing import NamedTuple, Protocol

from opentelemetry.sdk.trace import TracerProvider

from makiserve.errors import RecordError
from makiserve.kafka import NO_TIME, Message
from makiserve.monitoring.histogram import STAGE_S, empty
from makiserve.monitoring.merge import SHOWN
from makiserve.monitoring.snapshot import ShownDeadLetter, ShownPrediction, Snapshot, StateSize
from makiserve.monitoring.totals import Totals
from makiserve.scoring import Lane
from makiserve.serving.publisher import Published
from makiserve.stream.columns.engine_choice import AnyCheckpoints


def _ignore(snapshot: Snapshot) -> None:
    """Ignore the snapshot."""


class TelemetrySink(NamedTuple):
    """The destination of a worker's telemetry.

    Attributes:
        worker: name of the worker in reports.
        publish: called with a snapshot about once a second, on the loop's thread: it must not block.
        spans: provider for traces; None to disable tracing.
    """

    worker: str = "worker"
    publish: Callable[[Snapshot], None] = _ignore
    spans: TracerProvider | None = None


SAMPLES = 8
"""Maximum number of records per batch and partition on which latency is measured."""


STAGES = ("decode", "restore", "features", "predict", "publish", "commit")


class CommittedCounts:
    """Counts what is committed. What is aborted and scored again is counted once.

    Attributes:
        total: the totals since the start.
    """

    def __init__(self) -> None:
        self.total = Totals(stages={name: empty(STAGE_S) for name in STAGES})
        self._clear()

    def add(self, messages: list[Message], published: Published) -> None:
        """Count scored and published records of one partition; they take effect with the next commit."""
        since = self._since_commit
        since.records += len(messages)
        since.outputs += len(published.causes)
        since.dropped_headers += published.dropped_headers
        for _, error in published.dead:
            since.dead[error.reason] = since.dead.get(error.reason, 0) + 1
        stride = -(-len(messages) // SAMPLES)
        times = (message.timestamp() for message in messages[::stride])
        self._times_ms += [time_ms for kind, time_ms in times if kind != NO_TIME]

    def commit(self) -> None:
        """Add what has been scored since the last commit to the totals."""
        self._since_commit.commits = 1
        now_ms = time.time() * 1000
        for time_ms in self._times_ms:
            self._since_commit.latency.add(max(0.0, now_ms - time_ms) / 1000)
        self.total += self._since_commit
        self._clear()

    def abort(self, *, was_open: bool) -> None:
        """Discard the counts since the last commit; `was_open` is whether a transaction was open."""
        self.total.aborts += was_open
        self._clear()

    def _clear(self) -> None:
        self._since_commit = Totals()
        self._times_ms: list[int] = []


STATM = Path("/proc/self/statm")


def resident_bytes() -> int:
    """Return the resident memory in bytes; 0 if the system does not report it, as outside Linux."""
    try:
        return int(STATM.read_text().split()[1]) * resource.getpagesize()
    except FileNotFoundError:
        return 0


MAX_CHARACTERS = 120


class RecentOutputs:
    """The last twenty outputs and dead letters, formatted only on access."""

    def __init__(self) -> None:
        self._published: deque[tuple[Message, bytes]] = deque(maxlen=SHOWN)
        self._dead: deque[tuple[Message, RecordError]] = deque(maxlen=SHOWN)

    def add(self, messages: list[Message], published: Published) -> None:
        """Add the last outputs and dead letters of a batch."""
        last = zip(published.causes[-SHOWN:], published.values[-SHOWN:], strict=True)
        self._published.extend((messages[cause], value) for cause, value in last)
        self._dead.extend((messages[cause], error) for cause, error in published.dead[-SHOWN:])

    @property
    def predictions(self) -> tuple[ShownPrediction, ...]:
        """The last outputs, the oldest first."""
        return tuple(_prediction(message, value) for message, value in self._published)

    @property
    def dead_letters(self) -> tuple[ShownDeadLetter, ...]:
        """The last dead letters, the oldest first."""
        return tuple(_dead_letter(message, error) for message, error in self._dead)


def _prediction(message: Message, value: bytes) -> ShownPrediction:
    time_ms = message.timestamp()[1]
    return ShownPrediction(message.partition(), message.offset(), time_ms, _text(message.key() or b""), _text(value))


def _dead_letter(message: Message, error: RecordError) -> ShownDeadLetter:
    time_ms = message.timestamp()[1]
    return ShownDeadLetter(message.partition(), message.offset(), time_ms, error.reason, _short(str(error)))


def _text(value: bytes) -> str:
    return _short(value[: 4 * MAX_CHARACTERS].decode(errors="replace"))


def _short(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else text[: MAX_CHARACTERS - 1] + "…"


EVERY_S = 15.0
SHARE = 200
"""Slow measurements are made less often: they take at most one part in this many of the time."""

SAMPLE = 200
"""Maximum number of groups to measure, so that a lane of millions takes milliseconds, not minutes."""

PREFIXES = ("", "post > ")
"""Prefixes of the operator names, one for each program of a scorer."""


class Checkpointed(Protocol):
    """An object with the checkpoints of lanes, in the order of `Lane.states`."""

    @property
    def checkpoints(self) -> tuple[AnyCheckpoints, ...]: ...


class StateSizer:
    """Measures the size of state.

    Args:
        processor: the processor, or the scorer, that the lanes belong to.
    """

    def __init__(self, processor: Checkpointed) -> None:
        self._processor = processor
        self._due = time.monotonic()
        self._found: tuple[StateSize, ...] = ()

    def snapshot(self, lanes: Iterable[Lane]) -> tuple[StateSize, ...]:
        """Return the latest measurement; measure again if it is due."""
        began = time.monotonic()
        if began >= self._due:
            self._found = self._measured(lanes)
            now = time.monotonic()
            self._due = now + max(EVERY_S, SHARE * (now - began))
        return self._found

    def _measured(self, lanes: Iterable[Lane]) -> tuple[StateSize, ...]:
        by_operator: dict[str, StateSize] = {}
        for lane in lanes:
            for prefix, checkpoints, state in zip(PREFIXES, self._processor.checkpoints, lane.states, strict=False):
                for name, size in checkpoints.sizes(state, SAMPLE).items():
                    operator = prefix + name
                    total = by_operator.get(operator, StateSize(operator, 0, 0))
                    by_operator[operator] = StateSize(
                        operator, total.keys + size.keys, total.size_bytes + size.size_bytes
                    )
        return tuple(by_operator.values())


class Timings(NamedTuple):
    """The seconds that the scoring thread took for the slices of a batch; None if there were no such slices.

    Attributes:
        restore_s: for those that only restored state.
        process_s: for the others, the model included.
        model_s: for the model; 0 without one.
    """

    restore_s: float | None
    process_s: float | None
    model_s: float = 0.0


class Stages:
    """A stopwatch for the stages of a batch.

    Args:
        counts: the counts of the worker, to which the stages belong.
    """

    def __init__(self, counts: CommittedCounts) -> None:
        self._counts = counts
        self._since = 0.0

    def begin(self) -> None:
        """Start the clock for a batch."""
        self._since = perf_counter()

    def end(self, name: str) -> None:
        """End a stage and begin the next."""
        now = perf_counter()
        self.add(name, now - self._since)
        self._since = now

    def processed(self, timings: Timings) -> None:
        """Record the stages of the scoring thread, with the time of the model as a separate one; begin the next."""
        if timings.restore_s is not None:
            self.add("restore", timings.restore_s)
        if timings.process_s is not None:
            self.add("features", timings.process_s - timings.model_s)
        if timings.model_s:
            self.add("predict", timings.model_s)
        self._since = perf_counter()

    def add(self, name: str, seconds: float) -> None:
        """Record the duration of a stage."""
        self._counts.total.stages[name].add(seconds)
