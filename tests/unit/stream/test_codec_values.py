"""Records, times and arrays come back from a checkpoint exactly as they were."""

from __future__ import annotations

import dataclasses
from datetime import datetime, time, timedelta, timezone, tzinfo
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest

import makiserve
from makiserve.errors import StateError
from makiserve.stream.engine.codec import Codec, pack
from tests.loops import loop_over


class Named(makiserve.Record, kw_only=True):
    key: str
    value: float = 0.0


class Doubled(msgspec.Struct):
    value: int

    def __post_init__(self) -> None:
        self.value *= 2


@dataclasses.dataclass(kw_only=True)
class Keyword:
    value: int


@dataclasses.dataclass(frozen=True)
class Derived:
    value: int
    square: int = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", self.value + 1)
        object.__setattr__(self, "square", self.value**2)


class Pair(NamedTuple):
    first: int
    second: int = 5


class Shifted(Pair):
    def __new__(cls, first: int) -> Shifted:
        return super().__new__(cls, first + 1, 0)


PARIS = ZoneInfo("Europe/Paris")
TYPES = (Named, Doubled, Keyword, Derived, Pair, Shifted)
CODEC = Codec({kind.__qualname__: kind for kind in TYPES})
VALUES: list[Any] = [
    Named(key="a"),
    Doubled(2),
    Keyword(value=1),
    Derived(3),
    Shifted(1),
    datetime(2024, 10, 27, 2, 30, tzinfo=PARIS, fold=1),
    datetime(2024, 10, 27, 2, 30, fold=1),  # noqa: DTZ001  without a zone
    time(2, 30, tzinfo=PARIS),
    time(2, 30, fold=1),
    datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=-5, minutes=-30))),
    np.array([1, "a", None, [2]], object),
    np.array([[None], ["b"]], object),
    np.array([(1, 2.0)], dtype=[("a", np.int64), ("b", np.float64)]),
    np.str_("a"),
    np.bytes_(b"a"),
    np.longdouble(1) / 3,
]


@loop_over("value", VALUES, ids=range(len(VALUES)))
def test_value_comes_back_as_it_was(value: Any) -> None:
    for decoded in (decode(CODEC.to_plain(value), CODEC.from_plain), decode(CODEC.to_plains([value]), one)):
        assert type(decoded) is type(value)
        assert repr(decoded) == repr(value)
        assert getattr(decoded, "dtype", None) == getattr(value, "dtype", None)
        assert getattr(decoded, "tzinfo", None) is getattr(value, "tzinfo", None) or decoded.tzinfo == value.tzinfo


def one(plains: Any) -> Any:
    (value,) = CODEC.from_plains(plains)
    return value


def decode(plain: Any, read: Any) -> Any:
    return read(msgspec.msgpack.decode(pack(plain)))


def test_arithmetic_over_a_clock_change_is_the_same_after_a_restore() -> None:
    before, after = datetime(2024, 3, 31, 0, tzinfo=PARIS), datetime(2024, 3, 31, 12, tzinfo=PARIS)
    restored = decode(CODEC.to_plain(before), CODEC.from_plain)
    assert after - restored == after - before == timedelta(hours=12)


def test_fewer_fields_than_the_type_has_take_its_defaults() -> None:
    assert CODEC.from_plain(["T", "Pair", 1]) == Pair(1)


class Summer(tzinfo):
    """A zone whose offset depends on the time."""

    def utcoffset(self, when: datetime | None) -> timedelta | None:
        return timedelta(hours=1 + (when.month == 7)) if when else None

    def dst(self, when: datetime | None) -> None:
        return None

    def tzname(self, when: datetime | None) -> str:
        return "summer"


def test_time_in_a_zone_without_a_name_is_refused() -> None:
    with pytest.raises(StateError, match=r"zone of type .*Summer cannot be saved in a checkpoint: use zoneinfo"):
        CODEC.to_plain(datetime(2024, 1, 1, tzinfo=Summer()))


def test_structured_array_with_objects_is_refused() -> None:
    with pytest.raises(StateError, match="structured array with objects"):
        CODEC.to_plain(np.array([(1, None)], dtype=[("a", int), ("b", object)]))
