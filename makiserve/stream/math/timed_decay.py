"""Moments that decay with elapsed time: the state of `math.ewm_mean` and `math.ewm_stddev` with a `time_mapper`.

An item weighs `0.5 ** (age / halflife)`. Its age is the time from it to the latest item. Weights are kept relative to
the latest time, so that parts can be merged in any order: the part that ends earlier decays by the time between the
ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from makiserve.errors import PipelineError
from makiserve.stream.engine.fold import Reduction
from makiserve.stream.event_time import ms_from_duration, ms_from_time
from makiserve.stream.math import decay
from makiserve.stream.math.moments import nothing
from makiserve.stream.scalars import is_missing, real

Partial = tuple[decay.Partial, int]
"""The moments at the latest time, and that time in ms."""

ZERO: Partial = (decay.ZERO, 0)


@dataclass(frozen=True)
class TimedDecay:
    """Exponential decay by elapsed time, with a half-life in ms."""

    halflife_ms: int

    def add(self, partial: Partial, value_and_time: tuple[float, int]) -> Partial:
        """Return the moments with one more value."""
        value, time_ms = value_and_time
        return self.merge(partial, ((1, value, 0.0, nothing(value), 1.0, 1.0), time_ms))

    def merge(self, earlier: Partial, later: Partial) -> Partial:
        """Return the moments of two parts, which may overlap in time."""
        if not earlier[0][0] or not later[0][0]:
            return later if later[0][0] else earlier
        older, newer = (earlier, later) if earlier[1] <= later[1] else (later, earlier)
        keep = 0.5 ** ((newer[1] - older[1]) / self.halflife_ms)
        return decay.joined(older[0], newer[0], keep), newer[1]


def mean_reduction(halflife_ms: int) -> Reduction:
    """Return the reduction of pairs of value and time to the weighted mean."""
    timed = TimedDecay(halflife_ms)
    return Reduction(ZERO, timed.add, timed.merge, lambda partial: decay.mean(partial[0]), _read, _has_no_value)


def stddev_reduction(halflife_ms: int) -> Reduction:
    """Return the reduction of pairs of value and time to the weighted standard deviation."""
    timed = TimedDecay(halflife_ms)
    return Reduction(ZERO, timed.add, timed.merge, lambda partial: decay.stddev(partial[0]), _read, _has_no_value)


def halflife_from(name: str, alpha: float | None, halflife: Any) -> int:
    """Return the half-life of an operator with a `time_mapper`, in ms.

    Raises:
        PipelineError: it is not a duration in whole milliseconds, or alpha is given.
    """
    if alpha is not None or halflife is None:
        raise PipelineError(f"{name}: with time_mapper, give halflife as a duration such as '6h', and no alpha")
    return ms_from_duration(halflife, f"{name}: halflife")


def _read(value_and_time: tuple[Any, Any]) -> tuple[float, int]:
    return real(value_and_time[0]), ms_from_time(value_and_time[1])


def _has_no_value(value_and_time: tuple[Any, Any]) -> bool:
    return is_missing(value_and_time[0])
