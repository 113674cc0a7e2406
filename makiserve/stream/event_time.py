"""Event time: what a `time_mapper` gives, in milliseconds."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from operator import index
from typing import Any

from makiserve.errors import PipelineError

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MILLISECOND = timedelta(milliseconds=1)


def with_zone(time: Any) -> Any:
    """Return an event time that can be compared with any other: a datetime without a zone is UTC."""
    if isinstance(time, datetime) and time.tzinfo is None:
        return time.replace(tzinfo=timezone.utc)
    return time


def ms_from_time(time: Any) -> int:
    """Return an event time as milliseconds since 1970: an integer is one already, a datetime without a zone is UTC.

    Raises:
        TypeError: it is neither.
    """
    if isinstance(time, datetime):
        instant: datetime = with_zone(time)
        return (instant - EPOCH) // MILLISECOND
    try:
        return index(time)
    except TypeError:
        raise TypeError(
            f"an event time is a datetime or an integer of milliseconds, not {type(time).__name__}"
        ) from None


def ms_from_duration(duration: timedelta, what: str, least: int = 1) -> int:
    """Return a duration of the settings in milliseconds.

    Raises:
        PipelineError: it is not a whole number of milliseconds, or less than `least` of them.
    """
    if duration % MILLISECOND or duration < least * MILLISECOND:
        raise PipelineError(f"{what} is a whole number of milliseconds, at least {least}, not {duration!r}")
    return duration // MILLISECOND
