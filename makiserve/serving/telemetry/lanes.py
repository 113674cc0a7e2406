"""How far each partition is, and how far behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from makiserve.kafka import LOG_APPEND_TIME, Message
from makiserve.serving.partition import Partition, Phase
from makiserve.serving.telemetry.arrivals import Arrivals
from makiserve.web.snapshot import Lane


class _Watched:
    """When the records of one partition arrived.

    Attributes:
        since_s: when this worker first saw the partition.
        ends: the ends that this worker saw.
        appended: of a topic with LogAppendTime, the ends that follow from the broker's times.
    """

    def __init__(self, now: float) -> None:
        self.since_s = now
        self.ends = Arrivals()
        self.appended = Arrivals()

    def arrival(self, offset: int) -> float:
        """Return a time that the record at `offset` did not arrive before, the latest that is known."""
        times = [known for each in (self.ends, self.appended) if (known := each.before(offset)) is not None]
        return max(times, default=self.since_s)


class Lanes:
    """Watches the partitions that a worker has.

    Args:
        end: one after the last record of a partition, as far as is known without asking.
    """

    def __init__(self, end: Callable[[int], int | None]) -> None:
        self._end = end
        self._watched: dict[int, _Watched] = {}
        self._idle: dict[int, int | None] = {}

    def scored(self, message: Message) -> None:
        """Note that the records of a partition up to this one have been scored."""
        number, (kind, time_ms) = message.partition(), message.timestamp()
        self._idle.pop(number, None)
        if kind == LOG_APPEND_TIME:
            now = time.time()
            self._of(number, now).appended.note(message.offset() + 1, min(time_ms / 1000, now))

    def idle(self, partitions: Iterable[Partition]) -> None:
        """Note that the loop waited and nothing came: before the end there are only markers of transactions."""
        self._idle = {each.number: self._end(each.number) for each in partitions}

    def frozen(self, partitions: Iterable[Partition]) -> tuple[Lane, ...]:
        """Return all partitions as they are now; what is known of others is forgotten."""
        found = tuple(self._lane(each) for each in sorted(partitions, key=lambda each: each.number))
        self._watched = {lane.partition: self._watched[lane.partition] for lane in found}
        return found

    def _of(self, number: int, now: float) -> _Watched:
        return self._watched.setdefault(number, _Watched(now))

    def _lane(self, each: Partition) -> Lane:
        now = time.time()
        watched, end = self._of(each.number, now), self._end(each.number)
        lag = None if end is None else max(0, end - each.committed)
        if end is not None and self._idle.get(each.number) == end and each.next_offset == each.committed:
            lag = 0
        lag_s = max(0.0, now - watched.arrival(each.committed)) if lag else 0.0
        if end is not None:
            watched.ends.note(end if lag else each.committed, now)
        start = each.beginning.start if each.beginning else each.committed
        span = each.committed - start
        done = 1.0 if each.phase is Phase.RUNNING else (each.next_offset - start) / span if span > 0 else 0.0
        return Lane(
            topic=each.topic,
            partition=each.number,
            phase=each.phase.value,
            committed=each.committed,
            next_offset=each.next_offset,
            end=end,
            lag_records=lag,
            lag_s=lag_s,
            restored=min(1.0, max(0.0, done)),
        )
