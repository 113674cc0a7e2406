"""The bounds of windows that begin at fixed times, for arrays of times; see `Spans` of the row engine."""

from __future__ import annotations

from typing import Any

import numpy as np

from makiserve.stream.columns.column import Array, Mask
from makiserve.stream.data.hopping import Spans
from makiserve.stream.data.roll_calendar import CalendarSpans
from makiserve.stream.event_time import bounds_like

Numbers = tuple[Array, Mask | None]
"""Whole numbers, and a mask of the times that have none; None if all have one."""


class HoppingSpans:
    """The windows of `roll_time`.

    Args:
        spans: their lengths, in ms.

    Attributes:
        size: the number of panes of a window.
        step: the number of panes from the start of a window to the start of the next one.
    """

    def __init__(self, spans: Spans) -> None:
        self._spans = spans
        self.size, self.step = spans.window // spans.pane, spans.stride // spans.pane

    def position(self, times: Array) -> Numbers:
        """Return the position of each time."""
        return times, None

    def check(self, time: int) -> None:
        """Raise what the row engine raises for a time that `closed` or `position` has no number for."""

    def closed(self, now: Array) -> Numbers:
        """Return the last window that is closed at each latest time."""
        return (now - (self._spans.window + self._spans.lateness)) // self._spans.stride, None

    def last(self, position: Array) -> Array:
        """Return the last window that begins at or before each position."""
        last: Array = position // self._spans.stride
        return last

    def has_window(self, position: Array) -> Mask:
        """Return whether each position is in a window, not in a gap."""
        inside: Mask = position % self._spans.stride < self._spans.window
        return inside

    def pane(self, position: Array) -> Array:
        """Return the number of the pane of each position."""
        pane: Array = position // self._spans.pane
        return pane

    def last_of(self, pane: Array) -> Array:
        """Return the last window that contains each pane."""
        last: Array = pane // self.step
        return last

    def bounds(self, number: int, like: Any) -> tuple[Any, Any]:
        """Return start and end of a window, in the form of a time that `time_mapper` returned."""
        start = number * self._spans.stride
        return bounds_like(start, start + self._spans.window, like)


class CalendarNumbers(HoppingSpans):
    """The windows of `roll_calendar`: positions are the numbers of days, weeks, months or years."""

    def __init__(self, spans: CalendarSpans) -> None:
        super().__init__(spans)
        self._calendar, self._lateness = spans.calendar, spans.lateness

    def position(self, times: Array) -> Numbers:
        distinct, inverse = np.unique(times, return_inverse=True)
        numbers, odd = np.zeros_like(distinct), np.zeros(len(distinct), np.bool_)
        at = 0
        while at < len(distinct):
            time = int(distinct[at])
            try:
                number = self._calendar.number(time)
                end = self._calendar.start_ms(number + 1)
            except (OverflowError, ValueError):  # not within the years 1 to 9999
                odd[at] = True
                at += 1
            else:
                until = int(np.searchsorted(distinct, end))
                numbers[at:until] = number
                at = until
        return numbers[inverse.reshape(-1)], odd[inverse.reshape(-1)] if odd.any() else None

    def check(self, time: int) -> None:
        for moment in (time, time - self._lateness):
            self._calendar.start_ms(self._calendar.number(moment) + 1)

    def closed(self, now: Array) -> Numbers:
        numbers, odd = self.position(now - self._lateness)
        return numbers - 1, odd

    def bounds(self, number: int, like: Any) -> tuple[Any, Any]:
        return self._calendar.bounds_like(number, like)


def column_spans(spans: Spans) -> HoppingSpans:
    """Return windows in their columnar form."""
    return CalendarNumbers(spans) if isinstance(spans, CalendarSpans) else HoppingSpans(spans)
