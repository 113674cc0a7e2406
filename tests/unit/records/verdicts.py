"""The types of a field, values for them, and the verdict on a value in a message or a file."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from hypothesis import strategies as st

from makiserve.errors import DecodeError
from makiserve.records import Record, RecordFile, Schema


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Kind(Enum):
    RAIN = "rain"
    SNOW = "snow"


KINDS: list[Any] = [
    float,
    int,
    bool,
    str,
    bytes,
    datetime,
    date,
    time,
    timedelta,
    Decimal,
    UUID,
    Level,
    Kind,
    Literal["a", "5"],
    Literal[5, 7],
    int | float,
    int | str,
    float | None,
    int | None,
    bool | None,
    str | None,
    datetime | None,
    Decimal | None,
    Annotated[float, msgspec.Meta(ge=0)],
    Annotated[int, msgspec.Meta(ge=0)] | None,
    Annotated[str, msgspec.Meta(max_length=3)],
    list[float],
    list[float | None],
    dict[str, float],
    Any,
]


WORDS = [
    "",
    "a",
    "5",
    "1.0",
    "1e2",
    "nan",
    "NaN",
    "inf",
    "true",
    "False",
    "null",
    "NA",
    "rain",
    "P1D",
    "5s",
    "aGk=",
    "ä",
]


TIMES = [
    "2013-01-01",
    "2013-01-01T05:00:00",
    "2013-01-01T05:00:00.1234567Z",
    "9999-12-31T23:59:59.9999999Z",
    "12:00:00",
]


ODD = [" 5", "+5", "007", str(UUID(int=7)), "1_0", "0x10", "5.", ".5", "1e999", "9" * 30, "0000-01-01"]


TEXTS = st.sampled_from([*WORDS, *TIMES, *ODD])


NUMBERS = st.sampled_from([0, 1, 2, 5, 7, -1, 2**53 + 1, 2**63 - 1, -(2**63), 0.0, -0.0, 5.0, 1.5, 1e300, 5e-324])


SCALARS = (
    st.none()
    | st.booleans()
    | NUMBERS
    | TEXTS
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
)


VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.sampled_from("ab"), SCALARS, max_size=2)


REFUSED = "refused"


def record_of(kind: Any) -> type[Record]:
    return type("Row", (Record,), {"__annotations__": {"x": kind}})


def verdict(record: Any) -> Any:
    return (REFUSED, None) if isinstance(record, DecodeError) else (type(record.x), record.x)


def from_message(text: bytes, kind: Any) -> Any:
    return verdict(Schema(record_of(kind)).decode_messages([b'{"x": %s}' % text])[0])


def from_file(path: Path, kind: Any, na_values: list[str] | None = None) -> list[Any]:
    return [verdict(record) for block in RecordFile(path, Schema(record_of(kind), na_values)) for record in block]
