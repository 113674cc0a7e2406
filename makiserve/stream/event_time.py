"""Event time: the result of a `time_mapper`, in milliseconds."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from operator import index
from typing import Any

from makiserve.durations import duration_from_text
from makiserve.errors import PipelineError

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MILLISECOND = timedelta(milliseconds=1)

Duration = timedelta | str
"""A duration that an operator accepts: a timedelta, or text such as `6h` or `500ms`."""


def with_zone(time: Any) -> Any:
    """Return an event time that can be compared with any other: a datetime without a zone is UTC."""
    if isinstance(time, datetime) and time.tzinfo is None:
        return time.replace(tzinfo=timezone.utc)
    return time


def ms_from_time(time: Any) -> int:
    """Return an event time as milliseconds since 1970: an integer is one already, a datetime without a zone is UTC.

    Raises:
        TypeError: it is neither.
        ValueError: it is NaT.
    """
    if isinstance(time, datetime):
        instant: datetime = with_zone(time)
        ms = (instant - EPOCH) // MILLISECOND
        if ms != ms:  # the NaT of pandas is a datetime
            raise ValueError("an event time is missing: it is NaT")
        return ms
    try:
        return index(time)
    except TypeError:
        raise TypeError(
            f"an event time must be a datetime or an integer of milliseconds, not {type(time).__name__}"
        ) from None


def bounds_like(start_ms: int, end_ms: int, like: Any) -> tuple[Any, Any]:
    """Return start and end of a window in the form of an event time: datetimes in UTC, or integers of milliseconds."""
    if not isinstance(like, datetime):
        return start_ms, end_ms
    return EPOCH + start_ms * MILLISECOND, EPOCH + end_ms * MILLISECOND


def duration_from(value: Any, what: str) -> timedelta:
    """Return the duration given as a timedelta or as text, such as `6h`.

    Raises:
        PipelineError: it is neither.
    """
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str):
        try:
            return duration_from_text(value)
        except ValueError as error:
            raise PipelineError(f"{what}: {error}") from error
    raise PipelineError(f"{what} must be a timedelta or a text such as '6h' or '500ms', not {value!r}")


def ms_from_duration(duration: Duration, what: str, least: int = 1) -> int:
    """Return a duration in milliseconds.

    Args:
        duration: a timedelta, or text such as `6h`.
        what: the operator and its argument, for the error.
        least: the minimum, in milliseconds.

    Raises:
        PipelineError: it is not a whole number of milliseconds, or less than `least` of them.
    """
    span = duration_from(duration, what)
    if span % MILLISECOND or span < least * MILLISECOND:
        raise PipelineError(f"{what} must be a whole number of milliseconds, at least {least}, not {duration!r}")
    return span // MILLISECOND
