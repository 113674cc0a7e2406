"""Datetimes, dates and durations as integers. Their objects are made only for functions and results that need them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any

import numpy as np

from makiserve.stream.columns.column import Array, Column, Mask, objects
from makiserve.stream.columns.time_column import TimeColumn

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  times may have no zone
IsoCalendarDate: Any = type(date.min.isocalendar())
MICROSECOND = timedelta(microseconds=1)
DAY_US = 86_400_000_000
EPOCH_ORDINAL = EPOCH.toordinal()
LEAST_US = (datetime.min - EPOCH) // MICROSECOND  # noqa: DTZ901
GREATEST_US = (datetime.max - EPOCH) // MICROSECOND  # noqa: DTZ901
LEAST_DAY, GREATEST_DAY = 1 - EPOCH_ORDINAL, date.max.toordinal() - EPOCH_ORDINAL


@dataclass(frozen=True, slots=True)
class Datetimes:
    """Datetimes, either all in UTC or all without a zone, or None.

    Attributes:
        times: the column.
        bad: as in `Value`.
    """

    times: TimeColumn
    bad: Mask | None = None

    @property
    def ticks(self) -> Array:
        """Microseconds since 1970: `int64[items]`."""
        return self.times.source.us

    @property
    def missing(self) -> Mask | None:
        """A mask of the values that are None."""
        return self.times.source.absent

    @property
    def zone(self) -> timezone | None:
        """The zone."""
        return timezone.utc if self.times.source.is_utc else None

    def column(self) -> Column:
        """Return the objects, which are made when they are read."""
        return self.times


@dataclass(frozen=True, slots=True)
class Dates:
    """Dates, which are never None.

    Attributes:
        ticks: days since 1970, within Python's range of years: `int64[items]`.
        bad: as in `Value`.
    """

    ticks: Array
    bad: Mask | None = None
    missing = None
    zone = None

    def column(self) -> Column:
        """Return the objects."""
        return objects(self.ticks.view("datetime64[D]").tolist())


@dataclass(frozen=True, slots=True)
class Durations:
    """Durations, which are never None.

    Attributes:
        ticks: microseconds, more than the least integer of 64 bits, which numpy takes for None: `int64[items]`.
        bad: as in `Value`.
    """

    ticks: Array
    bad: Mask | None = None
    missing = None
    zone = None

    def column(self) -> Column:
        """Return the objects."""
        return objects(self.ticks.view("timedelta64[us]").tolist())


TimeValue = Datetimes | Dates | Durations
CLASSES: dict[type[Any], type[Any]] = {Datetimes: datetime, Dates: date, Durations: timedelta}
FORMS: dict[type[Any], type[Any]] = {cls: form for form, cls in CLASSES.items()}


def ticks_of(value: Any) -> int:
    """Return what stands for a datetime in its own zone, a date or a duration."""
    if type(value) is datetime:
        return (value.replace(tzinfo=None) - EPOCH) // MICROSECOND
    return value.toordinal() - EPOCH_ORDINAL if type(value) is date else int(value // MICROSECOND)


def within(ticks: Array, bad: Mask | None, least: int, greatest: int) -> tuple[Array, Mask | None]:
    """Return integers within a range, and where they are not known: those that are not within it, too."""
    outside = (ticks < least) | (ticks > greatest)
    if not outside.any():
        return ticks, bad
    return np.where(outside, 0, ticks), outside if bad is None else bad | outside
