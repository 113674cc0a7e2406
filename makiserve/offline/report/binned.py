"""Binning: reduce many points to the few that a plot can show."""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import Any, NamedTuple

import numpy as np

from makiserve.offline.metrics.observed import Array, Observed, missing

OLDEST_S = 10**8
"""Numbers from this value (1973) are seconds since 1970; from a thousand times this value milliseconds, and so on."""
NEWEST_S = 2.5e11
"""The end of the calendar: the year 9999."""


class TimeAxis(NamedTuple):
    """The places of predictions on the time axis.

    Attributes:
        at: float64[n].
        is_time: whether `at` is in seconds since 1970.
        name: of the axis.
    """

    at: Array
    is_time: bool
    name: str


class Bins(NamedTuple):
    """Statistics of values by bins of x; nan if a bin is empty.

    Attributes:
        centre: of each bin, in x.
        mean: of its values.
        low: 10th percentile of its values.
        high: 90th percentile of its values.
    """

    centre: Array
    mean: Array
    low: Array
    high: Array


def moments(observed: Observed, chosen: Array, name: str | None) -> TimeAxis:
    """Return the times of the chosen predictions; their numbers in order if a record has no time that can be drawn."""
    times = observed.time[chosen]
    in_order = TimeAxis(np.arange(len(times), dtype=np.float64), is_time=False, name="predictions, in order")
    if name is None or missing(times).any():
        return in_order
    try:
        seconds = np.array([_seconds(value) for value in times.tolist()], np.float64)
    except (TypeError, ValueError, OverflowError):  # not numbers nor dates
        return in_order
    if not np.isfinite(seconds).all():
        return in_order
    while seconds.min() >= OLDEST_S * 1000:
        seconds /= 1000
    return TimeAxis(seconds, bool(seconds.min() >= OLDEST_S and seconds.max() < NEWEST_S), name)


def bins(at: Array, values: Array, count: int, span: tuple[float, float]) -> Bins:
    """Return statistics of `values` in `count` equal bins of `at`."""
    low, high = span
    number = np.clip(((at - low) / ((high - low) or 1) * count).astype(int), 0, count - 1)
    order = np.lexsort((values, number))
    number, values = number[order], values[order]
    starts, sizes = np.searchsorted(number, np.arange(count)), np.bincount(number, minlength=count)
    full = sizes > 0
    statistics = np.full((3, count), np.nan)
    statistics[0, full] = np.bincount(number, values, count)[full] / sizes[full]
    statistics[1, full] = values[(starts + (sizes * 0.1).astype(int))[full]]
    statistics[2, full] = values[(starts + np.maximum(sizes - 1 - (sizes * 0.1).astype(int), 0))[full]]
    return Bins(low + (np.arange(count) + 0.5) * (high - low) / count, *statistics)


def frame_of(*values: Array) -> tuple[float, float]:
    """Return the range to show: all values, without the outermost thousandths if these would take most of the room."""
    merged = np.concatenate(values)
    merged = merged[np.isfinite(merged)]
    if not merged.size:
        return 0.0, 1.0
    low, high = float(merged.min()), float(merged.max())
    inner = np.quantile(merged, (0.001, 0.999))
    return (low, high) if high - low <= 2 * (inner[1] - inner[0]) else (float(inner[0]), float(inner[1]))


def _seconds(value: Any) -> float:
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=timezone.utc)).timestamp()
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=timezone.utc).timestamp()
    return float(value)
