"""How far each partition is, and how far behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from makiserve.serving.partition import Partition, Phase
from makiserve.web.snapshot import Lane


class Lanes:
    """Watches the partitions that a worker has.

    Args:
        end: one after the last record of a partition, as far as is known without asking.
    """

    def __init__(self, end: Callable[[int], int | None]) -> None:
        self._end = end
        self._scored_ms: dict[int, int] = {}
        self._even_s: dict[int, float] = {}
        self._idle: set[int] = set()

    def scored(self, number: int, time_ms: int) -> None:
        """Records of a partition up to one of this time have been scored."""
        self._scored_ms[number] = time_ms
        self._idle.discard(number)

    def idle(self, partitions: Iterable[Partition]) -> None:
        """The loop has waited in vain: whatever stands before the end, marks of transactions, is no record."""
        self._idle = {each.number for each in partitions}

    def frozen(self, partitions: Iterable[Partition]) -> tuple[Lane, ...]:
        """All partitions now."""
        found = tuple(self._lane(each) for each in sorted(partitions, key=lambda each: each.number))
        gone = self._scored_ms.keys() | self._even_s.keys()
        for number in gone - {lane.partition for lane in found}:
            self._scored_ms.pop(number, None)
            self._even_s.pop(number, None)
        return found

    def _lane(self, each: Partition) -> Lane:
        end = self._end(each.number)
        lag = None if end is None else max(0, end - each.committed)
        if each.number in self._idle and each.next_offset == each.committed:
            lag = 0
        if lag == 0:
            self._even_s[each.number] = time.time()
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
            lag_s=self._age(each.number) if lag else 0.0,
            restored=min(1.0, max(0.0, done)),
        )

    def _age(self, number: int) -> float:
        """The oldest record that waits is younger than the last one scored, and than the last time that none waited."""
        now = time.time()
        since = max(self._scored_ms.get(number, 0) / 1000, self._even_s.get(number, 0.0))
        return max(0.0, now - since) if since else 0.0
