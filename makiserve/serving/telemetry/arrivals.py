"""When the records of a partition arrived, as far as that can be known from outside the broker. Decision 0119."""

from __future__ import annotations

from typing import NamedTuple

MOST = 1_000


class _Seen(NamedTuple):
    end: int
    time_s: float


class Arrivals:
    """The ends that a partition had, and when: a record at or after an end arrived later than that.

    It keeps at most 1,000 ends. If there are more, every other one is dropped, and an arrival is known less exactly.
    """

    def __init__(self) -> None:
        self._seen: list[_Seen] = []

    def note(self, end: int, time_s: float) -> None:
        """Note that the partition ended at `end`: what is there or after it has not arrived yet.

        Args:
            end: one after the last record; not before an end that was noted, unless the topic was created again.
            time_s: when that was, in seconds since 1970.
        """
        seen = self._seen
        if seen and end < seen[-1].end:
            seen.clear()
        if seen and end == seen[-1].end:
            seen[-1] = _Seen(end, max(time_s, seen[-1].time_s))
        else:
            seen.append(_Seen(end, time_s))
        if len(seen) > MOST:
            del seen[1:-1:2]

    def before(self, offset: int) -> float | None:
        """Return the last time at which the record at `offset` had not arrived; None if it was there all along.

        What was noted before that is forgotten: a later call is about the same offset or a later one.
        """
        known = sum(1 for each in self._seen if each.end <= offset)
        del self._seen[: max(0, known - 1)]
        return self._seen[0].time_s if known else None
