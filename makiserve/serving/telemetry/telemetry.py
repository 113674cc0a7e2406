"""The loop's telemetry. The loop calls it a few times per batch, never per record."""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Collection, Sequence

import msgspec

from makiserve.kafka import Message
from makiserve.monitoring.snapshot import GroupPartition, Service, Snapshot, WorkerStatus
from makiserve.scoring import Scored
from makiserve.scoring.drift import Profile
from makiserve.serving.partition import Partition, Phase
from makiserve.serving.publisher import Published
from makiserve.serving.telemetry.drift_monitor import DriftMonitor
from makiserve.serving.telemetry.lag_tracker import LagTracker
from makiserve.serving.telemetry.measures import (
    CommittedCounts,
    RecentOutputs,
    Stages,
    StateSizer,
    TelemetrySink,
    resident_bytes,
)
from makiserve.serving.telemetry.tracing import Tracing

logger = logging.getLogger(__name__)

SNAPSHOT_S = 1.0
LOG_S = 60.0


class Telemetry:
    """Collects the telemetry of a worker and publishes snapshots.

    Args:
        sink: receives the snapshots and traces.
        service: description of the service.
        lag: lag of the partitions.
        state_sizer: size of their state.
        profile: the training profile; None if the model has none.

    Attributes:
        stages: stopwatch for the stages of a batch.
        counts: totals since the start.
    """

    def __init__(
        self,
        sink: TelemetrySink,
        service: Service,
        lag: LagTracker,
        state_sizer: StateSizer,
        profile: Profile | None = None,
    ) -> None:
        self.counts = CommittedCounts()
        self.stages = Stages(self.counts)
        self._sink = sink
        self._service = service
        self._tracing = Tracing(sink.spans, service) if sink.spans else None
        self._lag = lag
        self._state_sizer = state_sizer
        self._recent_outputs = RecentOutputs()
        self._drift_monitor = DriftMonitor(profile)
        self._started_s = time.time()
        self._iterated_s = self._committed_s = time.monotonic()
        self._last: Snapshot | None = None
        self._group: tuple[GroupPartition, ...] = ()
        self._snapshot_due = self._iterated_s
        self._log_due = self._iterated_s + LOG_S

    def batch(self, messages: Sequence[Message], seconds: float) -> None:
        """Record that a batch has been scored and published, and the seconds that it took."""
        self.counts.total.batch.add(len(messages))
        if self._tracing:
            self._tracing.batch(messages, seconds)

    def add(self, messages: list[Message], scored: Scored | None, published: Published) -> None:
        """Count live records of one partition, scored and published."""
        self.counts.add(messages, published)
        self._lag.scored(messages)
        self._recent_outputs.add(messages, published)
        if scored is not None:
            self._drift_monitor.add(scored)

    def idle(self, partitions: Collection[Partition]) -> None:
        """Record that the loop waited for records and received none."""
        self._lag.idle(partitions)

    def committed(self, seconds: float) -> None:
        """Record a commit and the seconds that it took."""
        self.counts.commit()
        self.stages.add("commit", seconds)
        self._committed_s = time.monotonic()
        if self._tracing:
            self._tracing.commit(seconds)

    def aborted(self, *, was_open: bool) -> None:
        """Discard the counts since the last commit; `was_open` is whether a transaction was open."""
        self.counts.abort(was_open=was_open)
        if self._tracing:
            self._tracing.abort()

    def switched(self, service: Service, profile: Profile | None) -> None:
        """Switch to another model version; `profile` is its training profile."""
        self._service = service
        self._drift_monitor = DriftMonitor(profile)
        self.counts.total.switches += 1
        if self._sink.spans:
            self._tracing = Tracing(self._sink.spans, service)

    def group_observed(self, group: tuple[GroupPartition, ...]) -> None:
        """Take a new view of the whole group."""
        self._group = group

    def heartbeat(self) -> None:
        """Report that the loop is alive while it waits for a broker or a batch; all else is unchanged."""
        now = self._iterated_s = time.monotonic()
        if self._last is not None and now >= self._snapshot_due:
            self._publish(msgspec.structs.replace(self._last, time_s=time.time(), workers=(self._status(),)), now)

    def iterated(self, partitions: Collection[Partition]) -> None:
        """Record an iteration of the loop; publish a snapshot and log if either is due."""
        now = self._iterated_s = time.monotonic()
        if now >= self._snapshot_due:
            self._last = self._snapshot(partitions)
            self._publish(self._last, now)
        if now >= self._log_due:
            self.log()

    def log(self) -> None:
        """Log one line with the totals since the start."""
        self._log_due = time.monotonic() + LOG_S
        counts = self.counts.total
        dead = ", ".join(f"{reason}: {count}" for reason, count in counts.dead.items())
        logger.info(
            "%d records, %d outputs, %d dead letters%s, %d commits, %d aborts since the start",
            counts.records,
            counts.outputs,
            sum(counts.dead.values()),
            f" ({dead})" if dead else "",
            counts.commits,
            counts.aborts,
        )

    def _publish(self, snapshot: Snapshot, now: float) -> None:
        self._snapshot_due = now + SNAPSHOT_S
        self._sink.publish(snapshot)

    def _status(self) -> WorkerStatus:
        return WorkerStatus(self._sink.worker, self._started_s, self._iterated_s, self._committed_s, resident_bytes())

    def _snapshot(self, partitions: Collection[Partition]) -> Snapshot:
        return Snapshot(
            time_s=time.time(),
            served=self._service,
            workers=(self._status(),),
            lanes=self._lag.snapshot(partitions),
            totals=copy.deepcopy(self.counts.total),
            state=self._state_sizer.snapshot(
                partition.lane for partition in partitions if partition.phase is Phase.RUNNING
            ),
            predictions=self._recent_outputs.predictions,
            dead_letters=self._recent_outputs.dead_letters,
            drift=self._drift_monitor.snapshot(),
            group=self._group,
        )
