"""Scales: map values to places on a plot, and choose the round values of its ticks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

SECOND, MINUTE, HOUR, DAY = 1.0, 60.0, 3600.0, 86_400.0
TIME_STEPS = (
    *(n * SECOND for n in (1, 2, 5, 10, 30)),
    *(n * MINUTE for n in (1, 2, 5, 10, 30)),
    *(n * HOUR for n in (1, 2, 3, 6, 12)),
    *(n * DAY for n in (1, 2, 7, 14)),
)
MONTHS = (1, 2, 3, 6, 12, 24, 60, 120)
LARGEST, SMALLEST = 1e300, 1e-290
"""The largest value on a scale, and the smallest that it distinguishes from 0."""


@dataclass(frozen=True)
class Scale:
    """A linear scale.

    Attributes:
        low: the value at `start`.
        high: the value at `end`.
        start: in the units of the plot.
        end: in the units of the plot.
        is_time: whether values are seconds since 1970.
    """

    low: float
    high: float
    start: float
    end: float
    is_time: bool = False

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, most: int) -> Iterator[tuple[float, str]]:
        """Yield at most `most` round values inside the scale, with their labels."""
        return _time_ticks(self.low, self.high, most) if self.is_time else _ticks(self.low, self.high, most)


def scale(low: float, high: float, start: float, end: float, *, margin: float = 0.03, is_time: bool = False) -> Scale:
    """Return a scale that contains both values, with a margin. The values may be equal; the scale is always finite."""
    if not (math.isfinite(low) and math.isfinite(high)):
        low, high = 0.0, 1.0
    low, high = max(low, -LARGEST), min(high, LARGEST)
    if not high - low > SMALLEST:
        space = max(abs(low), abs(high)) / 2 if abs(high) > SMALLEST else 0.5
        low, high = low - space, high + space
    space = (high - low) * margin
    return Scale(low - space, high + space, start, end, is_time)


def amount(value: float) -> str:
    """Format a value in a few characters: 12,000 · 3.5 · 0.02 · 1.2e-07."""
    if value != value:
        return "none"
    if value == 0 or 1e-3 <= abs(value) < 1e6:
        return f"{value:,.3f}".rstrip("0").rstrip(".") if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:.3g}"


def _ticks(low: float, high: float, most: int) -> Iterator[tuple[float, str]]:
    rough = (high - low) / max(most, 1)
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    for number in range(math.ceil(low / step), math.floor(high / step) + 1):
        value = number * step
        yield value, amount(round(value, 12 - math.floor(math.log10(step))))


def _time_ticks(low: float, high: float, most: int) -> Iterator[tuple[float, str]]:
    rough = (high - low) / max(most, 1)
    for step in TIME_STEPS:
        if step >= rough:
            shape = "%H:%M:%S" if step < MINUTE else "%H:%M" if step < DAY else "%-d %b"
            for number in range(math.ceil(low / step), math.floor(high / step) + 1):
                at = _at(number * step)
                is_midnight = MINUTE <= step < DAY and at.hour == at.minute == 0
                yield number * step, at.strftime("%-d %b" if is_midnight else shape)
            return
    yield from _month_ticks(low, high, rough / (30.4 * DAY))


def _month_ticks(low: float, high: float, rough: float) -> Iterator[tuple[float, str]]:
    step = next((months for months in MONTHS if months >= rough), math.ceil(rough / 12) * 12)
    first = _at(low).year * 12
    for month in range(first - first % step, _at(high).year * 12 + 12, step):
        at = datetime(month // 12, month % 12 + 1, 1, tzinfo=timezone.utc)
        if low <= at.timestamp() <= high:
            yield at.timestamp(), at.strftime("%Y" if at.month == 1 else "%b")


def _at(seconds: float) -> datetime:
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)
