"""Times that a user's function returns, numbers or datetimes, as an array of numbers."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import numpy as np

from makiserve.stream.columns.column import Array, Column, Items, Mask
from makiserve.stream.columns.time_column import TimeColumn
from makiserve.stream.data.as_of import LARGEST, instant


class Instants(NamedTuple):
    """Times as numbers.

    Attributes:
        numbers: `float64[items]`; without meaning for items that have no time.
        is_absent: where they are None.
        is_datetime: where they are datetimes.
        is_odd: where they are not times.
        is_large: where a float cannot hold them.
    """

    numbers: Array
    is_absent: Mask
    is_datetime: Mask
    is_odd: Mask
    is_large: Mask


def instants_of(given: Items) -> Instants:
    """Return what a function has returned as times."""
    if isinstance(given, TimeColumn):
        return _of_array(given.source.us, given.source.absent, is_datetime=True)
    if isinstance(given, Column) and given.values.dtype != object:
        return _of_array(given.values, given.missing, is_datetime=False)
    items, numbers = given.items(), np.zeros(len(given))
    is_absent, is_datetime, is_odd, is_large = np.zeros((4, len(items)), np.bool_)
    for index, item in enumerate(items):
        if item is None:
            is_absent[index] = True
            continue
        try:
            time = instant(item)
        except KeyboardInterrupt:
            raise
        except BaseException:  # noqa: BLE001  the value is a user's
            is_odd[index] = True
            continue
        is_datetime[index] = isinstance(item, datetime)
        if isinstance(time, float):
            numbers[index] = time
        else:
            is_large[index] = True
    return Instants(numbers, is_absent, is_datetime, is_odd, is_large)


def _of_array(values: Array, absent: Mask | None, *, is_datetime: bool) -> Instants:
    nothing = np.zeros(len(values), np.bool_)
    is_absent = nothing if absent is None else absent
    is_large = nothing
    if values.dtype == np.int64:
        is_large = ((values > LARGEST) | (values < -LARGEST)) & ~is_absent
    return Instants(
        values.astype(np.float64), is_absent, np.full(len(values), is_datetime), is_odd=nothing, is_large=is_large
    )
