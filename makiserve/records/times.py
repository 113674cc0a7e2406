"""Times of a field as microseconds. Their objects are made only if they are read."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  times may have no zone
MICROSECOND = timedelta(microseconds=1)
EARLIEST_US = (datetime.min - EPOCH) // MICROSECOND  # noqa: DTZ901
LATEST_US = (datetime.max - EPOCH) // MICROSECOND  # noqa: DTZ901


class TimeValues:
    """The times of a field, either all in UTC or all without a zone.

    Args:
        us: microseconds since 1970, within Python's range of years: `int64[records]`.
        is_utc: whether the times have a zone.
        absent: a mask of the values that are None; None if there are none.

    Attributes:
        missing: None, because the objects include the values that are None.
    """

    missing = None

    def __init__(self, us: NDArray[np.int64], *, is_utc: bool, absent: NDArray[np.bool_] | None = None) -> None:
        self.us, self.is_utc, self.absent = us, is_utc, absent

    def __len__(self) -> int:
        return len(self.us)

    @cached_property
    def values(self) -> NDArray[Any]:
        """The Python values: `object[records]`."""
        epoch = EPOCH.replace(tzinfo=timezone.utc) if self.is_utc else EPOCH
        durations = self.us.view("timedelta64[us]").tolist()
        values = np.fromiter(map(epoch.__add__, durations), object, len(durations))
        if self.absent is not None:
            values[self.absent] = None
        return values

    def take(self, at: Any) -> TimeValues:
        """Return the values at these indexes, in this slice, or where this mask is true."""
        absent = None if self.absent is None else self.absent[at]
        return TimeValues(self.us[at], is_utc=self.is_utc, absent=absent)

    def absent_mask(self) -> NDArray[np.bool_] | None:
        """Return a mask of the values that are None; None if there are none."""
        return self.absent

    def replaced(self, us: NDArray[np.int64]) -> TimeValues:
        """Return other times with the same zone, none of them None."""
        return TimeValues(us, is_utc=self.is_utc)

    def listed(self) -> list[Any]:
        """Return the Python values."""
        values: list[Any] = self.values.tolist()
        return values


def times_from(column: pa.Array) -> TimeValues | None:
    """Return the times of an Arrow column; None if Python cannot represent one of them.

    Args:
        column: of timestamps in UTC or without a zone, in microseconds or coarser.
    """
    try:
        us = column.cast(pa.timestamp("us", column.type.tz)).view(pa.int64())
    except pa.ArrowInvalid:  # beyond 64 bits
        return None
    absent = us.is_null().to_numpy(zero_copy_only=False) if us.null_count else None
    us = pc.fill_null(us, 0).to_numpy()
    if len(us) and (us.min() < EARLIEST_US or us.max() > LATEST_US):
        return None
    return TimeValues(us, is_utc=column.type.tz is not None, absent=absent)
