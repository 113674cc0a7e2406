"""Values of Avro data: integers of variable length, and logical types as Python's own."""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  local timestamps have no zone
UTC_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
EPOCH_DAY = date(1970, 1, 1).toordinal()
DAY_US = 86_400_000_000

MAX_DECIMAL_BYTES = 256
"""Maximum size of a decimal. The time to read one grows with the square of its length."""


class MalformedData(ValueError):
    """The data are not what their schema describes."""


class UnheldValue(ValueError):
    """A value that no Python type can hold; the message describes it."""


def varint(data: bytes, pos: int, first: int) -> tuple[int, int]:
    """Return a `long` of more than one byte, and the position after it.

    Args:
        data: the bytes.
        pos: the position of the second byte.
        first: the first byte.
    """
    number, shift = first & 127, 7
    while True:
        byte = data[pos]
        pos += 1
        number |= (byte & 127) << shift
        if byte < 128:
            break
        shift += 7
        if shift > 63:
            raise MalformedData("an integer of more than ten bytes")
    if number >> 64:
        raise MalformedData("an integer of more than 64 bits")
    return (number >> 1) ^ -(number & 1), pos


def bad_branch(encoded: int, count: int) -> MalformedData:
    """Return the error for a branch that a union does not have."""
    return MalformedData(f"a union of {count} branches has none that is encoded as {encoded}")


def bad_count(count: int) -> MalformedData:
    """Return the error for a number of items that the data cannot contain."""
    return MalformedData(f"{count:,} items, more than the data can contain")


def logical(node: dict[str, Any]) -> Callable[[Any], Any] | None:
    """Return the function that makes a Python value of the stored one; None if the type has no logical type.

    An unknown logical type, and one that does not fit its type, is the stored type, as the specification asks.
    """
    key = node["type"], node.get("logicalType")
    if key[1] == "decimal" and key[0] in ("bytes", "fixed"):
        scale = node.get("scale", 0)
        return (lambda raw: _decimal(raw, scale)) if isinstance(scale, int) and 0 <= scale <= 10_000 else None
    if key[0] == "fixed" and node["size"] != {"uuid": 16, "duration": 12}.get(str(key[1])):
        return None
    return _LOGICAL.get(key)


def _decimal(raw: bytes, scale: int) -> Decimal:
    if len(raw) > MAX_DECIMAL_BYTES:
        raise UnheldValue(f"a decimal of {len(raw):,} bytes")
    unscaled = int.from_bytes(raw, "big", signed=True)
    return Decimal((int(unscaled < 0), Decimal(abs(unscaled)).as_tuple().digits, -scale))


def _date(days: int) -> date:
    try:
        return date.fromordinal(EPOCH_DAY + days)
    except (ValueError, OverflowError):
        raise UnheldValue(f"a date {days:,} days after 1970") from None


def _time(microseconds: int) -> time:
    if not 0 <= microseconds < DAY_US:
        raise UnheldValue("a time of day that is not within 24 hours")
    return (EPOCH + timedelta(microseconds=microseconds)).time()


def _timestamp(epoch: datetime, microseconds: int) -> datetime:
    try:
        return epoch + timedelta(microseconds=microseconds)
    except OverflowError:
        raise UnheldValue(f"a time {microseconds:,} microseconds after 1970") from None


def _microseconds(nanoseconds: int) -> int:
    """Return nanoseconds rounded to microseconds, as in JSON."""
    whole, rest = divmod(nanoseconds, 1000)
    return whole + (rest >= 500)


def _duration(raw: bytes) -> timedelta:
    months, days, milliseconds = struct.unpack("<III", raw)
    if months:
        raise UnheldValue(f"a duration of {months:,} months")
    try:
        return timedelta(days=days, milliseconds=milliseconds)
    except OverflowError:
        raise UnheldValue(f"a duration of {days:,} days") from None


_LOGICAL: dict[tuple[Any, Any], Callable[[Any], Any]] = {
    ("int", "date"): _date,
    ("int", "time-millis"): lambda n: _time(n * 1000),
    ("long", "time-micros"): _time,
    ("long", "timestamp-millis"): lambda n: _timestamp(UTC_EPOCH, n * 1000),
    ("long", "timestamp-micros"): lambda n: _timestamp(UTC_EPOCH, n),
    ("long", "timestamp-nanos"): lambda n: _timestamp(UTC_EPOCH, _microseconds(n)),
    ("long", "local-timestamp-millis"): lambda n: _timestamp(EPOCH, n * 1000),
    ("long", "local-timestamp-micros"): lambda n: _timestamp(EPOCH, n),
    ("long", "local-timestamp-nanos"): lambda n: _timestamp(EPOCH, _microseconds(n)),
    ("fixed", "uuid"): lambda raw: UUID(bytes=raw),
    ("fixed", "duration"): _duration,
}
