"""Durations as people write them: `100ms`, `15s`, `6h`."""

from __future__ import annotations

import re
from datetime import timedelta

UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "min": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
EXPECTED = "a duration with its unit, such as 100ms, 15s, 5min, 2h or 1d"


def duration_from_text(text: str) -> timedelta:
    """Return the duration that a text stands for.

    Raises:
        ValueError: it is not a number and a unit, or too long for a timedelta.

    >>> duration_from_text("1.5h")
    datetime.timedelta(seconds=5400)
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([a-z]+)", text.strip())
    if not match or match[2] not in UNITS:
        raise ValueError(f"expected {EXPECTED}, not {text!r}")
    try:
        return float(match[1]) * UNITS[match[2]]
    except OverflowError as error:
        raise ValueError(f"expected a shorter duration: {text!r} is too long") from error
