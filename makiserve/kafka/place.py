"""Places in a topic, as people name them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Literal, cast

from makiserve.errors import ConfigurationError
from makiserve.settings.text import value_from_text

Place = int | datetime | timedelta | Literal["earliest", "latest"]
"""An offset, a time, a time before now, or an end of the partition."""


def place_from_text(text: str) -> Place:
    """`earliest`, `latest`, an offset, `2h` before now, or a time such as 2026-11-25T10:00, UTC.

    Raises:
        ConfigurationError: it is none of these.
    """
    if text in ("earliest", "latest"):
        return cast("Place", text)
    if text.isdecimal():
        return int(text)
    try:
        return cast("timedelta", value_from_text(timedelta, text))
    except ValueError:
        return _time(text)


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text.removesuffix("Z") + "+00:00" * text.endswith("Z"))
    except ValueError:
        raise ConfigurationError(
            f"{text!r} is no place in a topic: give earliest, latest, an offset, 2h for two hours ago, or a time such "
            "as 2026-11-25T10:00"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


def time_ms(place: Place, now: datetime) -> int | None:
    """A time in milliseconds since 1970; None for a place that is none."""
    if isinstance(place, timedelta):
        place = now - place
    return int(place.timestamp() * 1000) if isinstance(place, datetime) else None


def offset_of(place: Place, low: int, high: int) -> int:
    """The offset that a place without a time means, between the ends of a partition."""
    if isinstance(place, int):
        return place
    return low if place == "earliest" else high
