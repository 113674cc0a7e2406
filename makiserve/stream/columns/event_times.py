"""Event times of a batch, in milliseconds, and the latest time that each group has seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from makiserve.stream.columns.attempt import check, check_representable
from makiserve.stream.columns.column import Array, Column, Items, Mask
from makiserve.stream.columns.expressions.column_function import column_function
from makiserve.stream.columns.flow import Flow
from makiserve.stream.columns.segments import Segments
from makiserve.stream.columns.time_column import TimeColumn
from makiserve.stream.event_time import ms_from_time

LARGEST = 2**61
"""Times beyond this are left to Python's integers, so that adding a duration never exceeds 64 bits."""


class EventTimes:
    """The event times of items.

    Args:
        time_mapper: the time of an item, a datetime or integer milliseconds.

    Attributes:
        reason: why the function is called for each item; None if it is computed in columns.
    """

    def __init__(self, time_mapper: Callable[[Any], Any]) -> None:
        self._call, self._times = time_mapper, column_function(time_mapper)

    @property
    def reason(self) -> str | None:
        return self._times.reason

    def ms_of(self, item: Any) -> int:
        """Return the time of one item."""
        return ms_from_time(self._call(item))

    def of(self, flow: Flow, path: str, *, is_certain: bool) -> Array:
        """Return the time of each item: `int64[items]`.

        Raises:
            RecordsFailed: the function raises, or what it returns is not a time.
            Unrepresentable: a time is too large.
        """
        return self.read(flow, path, is_certain=is_certain)[1]

    def read(self, flow: Flow, path: str, *, is_certain: bool) -> tuple[Items, Array]:
        """Return the time of each item as the function returned it, and in milliseconds; see `of`."""
        given, failed = self._times.evaluate(flow.items)
        check(flow, failed, self._call, path, is_certain=is_certain)
        if isinstance(given, TimeColumn) and given.ms is not None:
            times, odd = given.ms, None
        elif isinstance(given, Column) and given.values.dtype == np.int64 and given.missing is None:
            times, odd = given.values, None
        else:
            times, failed, odd = _converted(given.items())
            check(flow, failed, self.ms_of, path, is_certain=is_certain)
        check_representable(flow, (times > LARGEST) | (times < -LARGEST) if odd is None else odd)
        return given, times


def latest_times(times: Array, segments: Segments, latest: Array, is_known: Mask) -> Array:
    """Return for each item the latest time that its group has seen.

    Args:
        times: the times of the items.
        segments: their segments.
        latest: for each segment the latest time before the batch.
        is_known: for each segment whether there is one.
    """
    times = times.copy()
    first = times[segments.starts]
    times[segments.starts] = np.where(is_known, np.maximum(first, latest), first)
    if len(segments.lengths) == 1:
        return np.asarray(np.maximum.accumulate(times))
    distinct, ranks = np.unique(times, return_inverse=True)
    offsets = segments.segment_of * len(distinct)
    return np.asarray(distinct[np.maximum.accumulate(ranks.reshape(-1) + offsets) - offsets])


def _converted(values: list[Any]) -> tuple[Array, Mask | None, Mask | None]:
    """Return times as integers, which of them are not times, and which are too large."""
    times, failed, odd = np.zeros((3, len(values)), np.int64)
    for index, value in enumerate(values):
        try:
            time = ms_from_time(value)
        except KeyboardInterrupt:
            raise
        except BaseException:  # noqa: BLE001  the value is a user's
            failed[index] = True
        else:
            if abs(time) > LARGEST:
                odd[index] = True
            else:
                times[index] = time
    return times, failed.astype(np.bool_), odd.astype(np.bool_)
