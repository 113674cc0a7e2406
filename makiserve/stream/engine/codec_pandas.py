"""Take times of pandas apart for a checkpoint, and make them again exactly as they were.

pandas is imported only if a checkpoint has such values: it takes longer to import than all of makiserve.stream.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from makiserve.stream.engine.codec_values import unsaved_zone

MICROSECOND = dt.timedelta(microseconds=1)


def pandas_parts(value: Any) -> list[Any] | None:
    """Return the parts of a Timestamp, a Timedelta, NaT or NA; None for any other value.

    Raises:
        StateError: the zone of a Timestamp is neither a fixed offset nor a ZoneInfo with a name.
    """
    kind = type(value)
    if kind.__module__.partition(".")[0] != "pandas":
        return None
    if kind.__qualname__ in ("NaTType", "NAType"):
        return [kind.__qualname__.removesuffix("Type")]
    if kind.__qualname__ == "Timedelta":
        return [kind.__qualname__, *_ticks(value.asm8)]
    if kind.__qualname__ == "Timestamp":
        return [kind.__qualname__, *_ticks(value.asm8), value.fold, _zone_part(value.tzinfo)]
    return None


def pandas_value(name: str, *parts: Any) -> Any:
    """Return the value that `pandas_parts` took apart."""
    import pandas as pd  # slow to import, and rarely needed

    if not parts:
        return {"NaT": pd.NaT, "NA": pd.NA}[name]
    unit, ticks, *rest = parts
    if name == "Timedelta":
        return pd.Timedelta(np.timedelta64(ticks, unit))
    fold, zone = rest
    time = pd.Timestamp(np.datetime64(ticks, unit))
    return time.replace(fold=fold) if zone is None else time.tz_localize("UTC").tz_convert(_zone(zone))


def _ticks(value: np.datetime64 | np.timedelta64) -> tuple[str, int]:
    """Return the unit of a time and its number of units; of a time with a zone in UTC."""
    return np.datetime_data(value.dtype)[0], int(value.view(np.int64))


def _zone_part(zone: dt.tzinfo | None) -> str | int | None:
    """Return the name of a zone, or its fixed offset in microseconds; None without a zone."""
    if zone is None:
        return None
    if isinstance(zone, ZoneInfo) and zone.key:
        return zone.key
    offset = zone.utcoffset(None)
    if offset is None:
        raise unsaved_zone(zone)
    return offset // MICROSECOND


def _zone(part: str | int) -> dt.tzinfo:
    return ZoneInfo(part) if isinstance(part, str) else dt.timezone(part * MICROSECOND)
