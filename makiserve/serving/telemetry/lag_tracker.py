"""Lag in seconds: when the records of a partition arrived, as far as a client can know. Decision 0119."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import NamedTuple

from makiserve.kafka import LOG_APPEND_TIME, Message
from makiserve.monitoring.snapshot import LaneStatus
from makiserve.serving.partition import Partition, Phase

MAX_ENDS = 1_000


class _Seen(NamedTuple):
    end: int
    time_s: float


class Arrivals:
    """The end offsets of a partition over time: a record at or after an end arrived later than that.

    At most 1,000 ends are kept. If there are more, every other one is dropped, and arrival times are less exact.
    """

    def __init__(self) -> None:
        self._seen: list[_Seen] = []

    def observe(self, end: int, time_s: float) -> None:
        """Record that the partition ended at `end`: a record at or after it had not arrived yet.

        Args:
            end: one after the last record; lower than a previous end only if the topic was created again.
            time_s: time of the observation, in seconds since 1970.
        """
        seen = self._seen
        if seen and end < seen[-1].end:
            seen.clear()
        if seen and end == seen[-1].end:
            seen[-1] = _Seen(end, max(time_s, seen[-1].time_s))
        else:
            seen.append(_Seen(end, time_s))
        if len(seen) > MAX_ENDS:
            del seen[1:-1:2]

    def before(self, offset: int) -> float | None:
        """Return the last time at which the record at `offset` had not arrived; None if it was there all along.

        Older entries are forgotten, so later calls must pass the same offset or a later one.
        """
        known = sum(1 for entry in self._seen if entry.end <= offset)
        del self._seen[: max(0, known - 1)]
        return self._seen[0].time_s if known else None


class _Watched:
    """The arrival times of the records of one partition.

    Attributes:
        since_s: when this worker first saw the partition.
        ends: the ends that this worker saw.
        appended: if the topic has LogAppendTime, the ends derived from the broker's timestamps.
    """

    def __init__(self, now: float) -> None:
        self.since_s = now
        self.ends = Arrivals()
        self.appended = Arrivals()

    def arrival(self, offset: int) -> float:
        """Return the latest known time before which the record at `offset` cannot have arrived."""
        times = [known for arrivals in (self.ends, self.appended) if (known := arrivals.before(offset)) is not None]
        return max(times, default=self.since_s)


class LagTracker:
    """Tracks the lag of a worker's partitions.

    Args:
        end: returns the end offset of a partition, as far as the client knows it without a request.
    """

    def __init__(self, end: Callable[[int], int | None]) -> None:
        self._end = end
        self._watched: dict[int, _Watched] = {}
        self._idle: dict[int, int | None] = {}

    def scored(self, messages: Sequence[Message]) -> None:
        """Record that these messages of one partition have been scored, but may not be committed."""
        number, now = messages[0].partition(), time.time()
        self._idle.pop(number, None)
        for message, end in ((messages[0], messages[0].offset()), (messages[-1], messages[-1].offset() + 1)):
            kind, time_ms = message.timestamp()
            if kind == LOG_APPEND_TIME:
                self._watched_partition(number, now).appended.observe(end, min(time_ms / 1000, now))

    def idle(self, partitions: Iterable[Partition]) -> None:
        """Record that the loop received nothing: only transaction markers are left before the end."""
        self._idle = {partition.number: self._end(partition.number) for partition in partitions}

    def snapshot(self, partitions: Iterable[Partition]) -> tuple[LaneStatus, ...]:
        """Return the current status of these partitions; all others are forgotten."""
        statuses = tuple(map(self._lane, sorted(partitions, key=attrgetter("number"))))
        self._watched = {lane.partition: self._watched[lane.partition] for lane in statuses}
        return statuses

    def _watched_partition(self, number: int, now: float) -> _Watched:
        return self._watched.setdefault(number, _Watched(now))

    def _lane(self, partition: Partition) -> LaneStatus:
        now, committed = time.time(), partition.position.committed
        watched, end = self._watched_partition(partition.number, now), self._end(partition.number)
        lag = None if end is None else max(0, end - committed)
        if end is not None and self._idle.get(partition.number) == end and partition.next_offset == committed:
            lag = 0
        lag_s = max(0.0, now - watched.arrival(committed)) if lag else 0.0
        if end is not None:
            watched.ends.observe(end if lag else committed, now)
        start = partition.initial_position.start if partition.initial_position else committed
        span = committed - start
        done = 1.0 if partition.phase is Phase.RUNNING else (partition.next_offset - start) / span if span > 0 else 0.0
        return LaneStatus(
            topic=partition.topic,
            partition=partition.number,
            phase=partition.phase.value,
            committed=committed,
            next_offset=partition.next_offset,
            end=end,
            lag_records=lag,
            lag_s=lag_s,
            restored=min(1.0, max(0.0, done)),
        )
