"""What a worker measures of itself: counts, stages, sizes, memory, recent outputs."""

from __future__ import annotations

import resource
import time
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Iterable
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from opentelemetry.sdk.trace import TracerProvider

from makiserve.errors import RecordError
from makiserve.kafka import NO_TIME, Message
from makiserve.monitoring.histogram import BATCH_RECORDS, LATENCY_S, STAGE_S, Histogram
from makiserve.monitoring.merge import SHOWN
from makiserve.monitoring.snapshot import ShownDeadLetter, ShownPrediction, Snapshot, StateSize
from makiserve.scoring import Lane, Scorer
from makiserve.serving.publisher import Published


def _nobody(snapshot: Snapshot) -> None:
    """Is told."""


class TelemetrySink(NamedTuple):
    """To whom a worker reports.

    Attributes:
        worker: its name there.
        publish: is given a snapshot about once a second, on the loop's thread: it must not wait.
        spans: where traces go; None for nowhere.
    """

    worker: str = "worker"
    publish: Callable[[Snapshot], None] = _nobody
    spans: TracerProvider | None = None


SAMPLES = 8
"""How many records of a batch and partition the latency is measured on, at most."""


class Counts:
    """Records, outputs and dead letters, each counted once: what is aborted and scored again was never there.

    Attributes:
        commits: since the start; likewise `aborts`, `rebalances` and `swaps`.
        batch: records a batch.
        latency: seconds from a record's timestamp to its commit.
    """

    def __init__(self) -> None:
        self.records = self.outputs = self.commits = self.aborts = self.rebalances = self.swaps = 0
        self.dropped_headers = 0
        self.dead: Counter[str] = Counter()
        self.batch = ObservedRecords(BATCH_RECORDS)
        self.latency = ObservedRecords(LATENCY_S)
        self._clear()

    def add(self, messages: list[Message], published: Published) -> None:
        """Records of one partition have been scored and published."""
        self._records += len(messages)
        self._outputs += len(published.causes)
        self._dropped_headers += published.dropped_headers
        if published.dead:
            self._dead.update(error.reason for _, error in published.dead)
        stride = -(-len(messages) // SAMPLES)
        times = (message.timestamp() for message in messages[::stride])
        self._times_ms += [time_ms for kind, time_ms in times if kind != NO_TIME]

    def commit(self) -> None:
        """What has been scored is committed."""
        self.commits += 1
        self.records += self._records
        self.outputs += self._outputs
        self.dropped_headers += self._dropped_headers
        self.dead += self._dead
        now_ms = time.time() * 1000
        for time_ms in self._times_ms:
            self.latency.add(max(0.0, now_ms - time_ms) / 1000)
        self._clear()

    def abort(self, *, was_open: bool) -> None:
        """What has been scored since the last commit is taken back; `was_open` says whether a transaction was."""
        self.aborts += was_open
        self._clear()

    def _clear(self) -> None:
        self._records = self._outputs = self._dropped_headers = 0
        self._dead: Counter[str] = Counter()
        self._times_ms: list[int] = []


STATM = Path("/proc/self/statm")


def resident_bytes() -> int:
    """What is in memory now, in bytes; 0 where the system does not say, as outside of Linux."""
    try:
        return int(STATM.read_text().split()[1]) * resource.getpagesize()
    except FileNotFoundError:
        return 0


class ObservedRecords:
    """Counts values by upper bound.

    Args:
        bounds: ascending.
    """

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._total = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._total += value

    def frozen(self) -> Histogram:
        """What has been counted."""
        return Histogram(self._bounds, tuple(self._counts), self._total)


MOST_CHARACTERS = 120


class RecentOutputs:
    """Keeps the last twenty of each; they become text when somebody looks."""

    def __init__(self) -> None:
        self._published: deque[tuple[Message, bytes]] = deque(maxlen=SHOWN)
        self._dead: deque[tuple[Message, RecordError]] = deque(maxlen=SHOWN)

    def add(self, messages: list[Message], published: Published) -> None:
        """Look at the end of a batch."""
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
    return _short(value[: 4 * MOST_CHARACTERS].decode(errors="replace"))


def _short(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"


EVERY_S = 15.0
SHARE = 200
"""Where measuring takes long it is done less often: at most this part of the time goes into it."""

SAMPLE = 200
"""Groups that are measured where there are more: a lane of millions takes milliseconds, not minutes."""

PREFIXES = ("", "post > ")
"""Of the operators of each program of a scorer."""


class StateSizer:
    """Measures state.

    Args:
        scorer: whose lanes they are.
    """

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self._due = time.monotonic()
        self._found: tuple[StateSize, ...] = ()

    def frozen(self, lanes: Iterable[Lane]) -> tuple[StateSize, ...]:
        """The latest measurement, made anew when it is due."""
        began = time.monotonic()
        if began >= self._due:
            self._found = self._measured(lanes)
            now = time.monotonic()
            self._due = now + max(EVERY_S, SHARE * (now - began))
        return self._found

    def _measured(self, lanes: Iterable[Lane]) -> tuple[StateSize, ...]:
        found: dict[str, StateSize] = {}
        for lane in lanes:
            for prefix, checkpoints, state in zip(PREFIXES, self._scorer.checkpoints, lane.states, strict=False):
                for name, size in checkpoints.sizes(state, SAMPLE).items():
                    operator = prefix + name
                    known = found.get(operator, StateSize(operator, 0, 0))
                    found[operator] = StateSize(operator, known.keys + size.keys, known.size_bytes + size.size_bytes)
        return tuple(found.values())


NAMES = ("decode", "restore", "features", "predict", "publish", "commit")


class Stages:
    """A clock that is read at the end of each stage."""

    def __init__(self) -> None:
        self._observed = {name: ObservedRecords(STAGE_S) for name in NAMES}
        self._since = 0.0

    def begin(self) -> None:
        """A batch begins."""
        self._since = perf_counter()

    def end(self, name: str, model_s: float = 0.0) -> None:
        """A stage ends, and the next begins. What the model took of it is a stage of its own."""
        now = perf_counter()
        self._observed[name].add(now - self._since - model_s)
        if model_s:
            self._observed["predict"].add(model_s)
        self._since = now

    def add(self, name: str, seconds: float) -> None:
        """A stage that is no batch's took so long."""
        self._observed[name].add(seconds)

    def frozen(self) -> dict[str, Histogram]:
        """The stages that there were."""
        found = {name: each.frozen() for name, each in self._observed.items()}
        return {name: each for name, each in found.items() if each.count}
