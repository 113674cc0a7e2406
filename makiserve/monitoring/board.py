"""The board: the latest snapshot of each worker, and the history of the last ten minutes."""

from __future__ import annotations

import threading
import time
from collections import deque
from operator import attrgetter

import msgspec

from makiserve.monitoring.health import Verdict, health, readiness
from makiserve.monitoring.merge import ended, first_stage, merged
from makiserve.monitoring.snapshot import Snapshot

EVERY_S = 2.0
POINTS = 300


class Point(msgspec.Struct, frozen=True, omit_defaults=True):
    """The activity between two snapshots.

    Attributes:
        time_s: when the later one was made, in seconds since 1970.
        records: records scored and committed per second.
        outputs: outputs committed per second.
        dead: dead letters committed per second.
        lag_records: the lag over all partitions.
        lag_s: the lag of the partition whose oldest record has waited longest.
        p50_s: the median latency; None if nothing was committed.
        p99_s: the 99th percentile of the latency; None if nothing was committed.
    """

    time_s: float
    records: float
    outputs: float
    dead: float
    lag_records: int
    lag_s: float
    p50_s: float | None = None
    p99_s: float | None = None


class Board:
    """The state that the status page, metrics and probes read.

    The workers' loops, or the process that receives their reports, write it. The web server's threads read it.

    Args:
        workers: the number of workers that will report.
        output: the topic that the service writes. A worker that writes another topic belongs to an earlier stage. None
            if there is only one stage.
    """

    def __init__(self, workers: int = 1, output: str | None = None) -> None:
        self._workers = workers
        self._output = output
        self._born_s = time.monotonic()
        self._lock = threading.Lock()
        self._parts: dict[str, Snapshot] = {}
        self._ended: list[Snapshot] = []
        self._past: deque[Point] = deque(maxlen=POINTS)
        self._before: Snapshot | None = None

    def post(self, worker: str, snapshot: Snapshot) -> None:
        """Store the latest snapshot of a worker."""
        if self._is_first_stage(snapshot):
            snapshot = first_stage(snapshot)
        with self._lock:
            known = self._parts.get(worker)
            if known and known.workers[0].started_s != snapshot.workers[0].started_s:
                self._ended = [merged([*self._ended, ended(known)])]  # counters never go back
            self._parts[worker] = snapshot
            self._remember(self._all())

    def post_bytes(self, worker: str, report: bytes) -> None:
        """Store the latest snapshot of a worker in a separate process, encoded as MessagePack."""
        self.post(worker, msgspec.msgpack.decode(report, type=Snapshot))

    @property
    def latest(self) -> Snapshot | None:
        """The merged snapshot of all workers; None before the first report."""
        with self._lock:
            return self._all() if self._parts else None

    @property
    def past(self) -> list[Point]:
        """The points of the last ten minutes, oldest first."""
        with self._lock:
            return list(self._past)

    def health(self) -> Verdict:
        """Return whether every worker's loop is running."""
        return health(self.latest, self._born_s, time.monotonic())

    def readiness(self) -> Verdict:
        """Return whether records that arrive now are scored."""
        latest = self.latest
        if latest and len(latest.workers) < self._workers:
            return Verdict(False, f"{len(latest.workers)} of {self._workers} workers have started")
        return readiness(latest, self._born_s, time.monotonic(), time.time())

    def _all(self) -> Snapshot:
        newest_first = sorted(self._parts.values(), key=attrgetter("time_s"), reverse=True)
        return merged([*sorted(newest_first, key=self._is_first_stage), *self._ended])

    def _is_first_stage(self, snapshot: Snapshot) -> bool:
        return self._output not in (None, snapshot.served.output)

    def _remember(self, now: Snapshot) -> None:
        before = self._before
        if before is None:
            self._before = now
        elif now.time_s - before.time_s >= EVERY_S:
            self._past.append(_point(before, now))
            self._before = now


def _point(before: Snapshot, now: Snapshot) -> Point:
    span = now.time_s - before.time_s
    latency = now.totals.latency.since(before.totals.latency)
    dead = sum(now.totals.dead.values()) - sum(before.totals.dead.values())
    return Point(
        time_s=now.time_s,
        records=max(0, now.totals.records - before.totals.records) / span,
        outputs=max(0, now.totals.outputs - before.totals.outputs) / span,
        dead=max(0, dead) / span,
        lag_records=sum(lane.lag_records or 0 for lane in now.lanes),
        lag_s=max((lane.lag_s for lane in now.lanes), default=0.0),
        p50_s=latency.quantile(0.5),
        p99_s=latency.quantile(0.99),
    )
