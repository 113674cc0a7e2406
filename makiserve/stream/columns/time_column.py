"""A column of datetimes whose objects are made only if they are read."""

from __future__ import annotations

from typing import Any, Protocol

from makiserve.stream.columns.column import Array, Column, Mask


class Microseconds(Protocol):
    """Times as microseconds since 1970, with their objects.

    Attributes:
        us: the microseconds; without a meaning where the time is None.
        is_utc: whether the times have the zone UTC; the others have none.
        absent: a mask of the times that are None; None if there are none.
    """

    us: Array
    is_utc: bool
    absent: Mask | None

    def __len__(self) -> int: ...
    @property
    def values(self) -> Array: ...
    def take(self, at: Any) -> Microseconds: ...
    def replaced(self, us: Array) -> Microseconds:
        """Return other times with the same zone, none of them None."""


class TimeColumn(Column):
    """Datetimes, either all in UTC or all without a zone, or None.

    Args:
        source: the times.
    """

    __slots__ = ("source",)
    source: Microseconds

    def __init__(self, source: Microseconds) -> None:
        object.__setattr__(self, "source", source)
        object.__setattr__(self, "missing", None)

    def __len__(self) -> int:
        return len(self.source)

    def __reduce__(self) -> tuple[Any, ...]:
        return TimeColumn, (self.source,)

    @property
    def values(self) -> Array:
        """The objects."""
        return self.source.values

    @property
    def ms(self) -> Array | None:
        """The times in milliseconds since 1970, rounded down; None if one of them is None."""
        return None if self.source.absent is not None and self.source.absent.any() else self.source.us // 1000

    def take(self, at: Any) -> TimeColumn:
        return TimeColumn(self.source.take(at))
