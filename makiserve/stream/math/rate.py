"""`math.rate`: the number of items in a unit of time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from makiserve.stream.engine.fold import Fold, MissingValues, Reduction
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.event_time import Duration, ms_from_duration, ms_from_time

if TYPE_CHECKING:
    from typing_extensions import Unpack

Partial = tuple[int, int, int]
"""Count, earliest and latest time in ms."""

SECOND = timedelta(seconds=1)


def rate(
    time_mapper: Callable[[Any], Any], per: Duration = SECOND, reduce: bool = False, **missing: Unpack[MissingValues]
) -> Transform:
    """Compute the number of items in a unit of event time: the intervals between them, divided by the time they take.

    ```
    --0ms--100ms--300ms--|
      rate(time)
    --0.0--10.0---6.67---|
    ```

    This is the estimate of a Poisson process' intensity from its n - 1 intervals (Cox and Lewis, "The Statistical
    Analysis of Series of Events", 1966).

    Args:
        time_mapper: the event time of an item: a datetime (UTC if it has no zone) or integer milliseconds.
        per: the unit of time: a timedelta, or text such as `1h`.
        reduce: emit only the final rate, when the stream or its window completes.
        skip_missing: leave out items whose time is None.
        min_periods: how many items the result needs; it is None for fewer.

    *Emits* the running rate for each item, or the final one once; 0.0 while all items have the same time. The order of
    the items does not matter. *NaN* is not a time. *State* three integers a key. *Raises* what `time_mapper` raises,
    and `TypeError` for what is not a time.

    Raises:
        PipelineError: `per` is not a whole number of milliseconds, at least one.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([0, 100, 200]).pipe(rs.math.rate(lambda i: i, reduce=True)).run()
    10.0
    """
    return operator(Rate(time_mapper, reduce, ms_from_duration(per, "rate: per"), **missing))


@dataclass(frozen=True, eq=False)
class Rate(Fold):
    """The node of `rate`."""

    name: ClassVar[str] = "rate"
    per_ms: int = 1000

    def reduction(self) -> Reduction:
        return Reduction((0, 0, 0), _add, _merge, self._result)

    def _result(self, partial: Partial) -> float:
        count, earliest, latest = partial
        return (count - 1) * self.per_ms / (latest - earliest) if latest > earliest else 0.0


def _add(partial: Partial, time: Any) -> Partial:
    time_ms = ms_from_time(time)
    return _merge(partial, (1, time_ms, time_ms))


def _merge(earlier: Partial, later: Partial) -> Partial:
    if not earlier[0] or not later[0]:
        return later if later[0] else earlier
    return earlier[0] + later[0], min(earlier[1], later[1]), max(earlier[2], later[2])
