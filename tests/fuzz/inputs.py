"""Damaged bytes and odd values, and the record type that they are given to."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from random import Random
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

import msgspec
import numpy as np
import pandas as pd

from makiserve.records import Record, Schema
from makiserve.stream.engine.codec import _DECODERS

TOKENS = [
    *(
        b'"',
        b'""',
        b",",
        b"\n",
        b"\r",
        b"\r\n",
        b"\x00",
        b"\xff",
        b"\xed\xa0\x80",
        b"{",
        b"}",
        b"[",
        b"]",
        b"NaN",
        b"-",
    ),
    *(
        b"Infinity",
        b"1e999",
        b"9" * 30,
        b"null",
        b"true",
        b"\\ud800",
        b"\\",
        b":",
        b";",
        b"\t",
        b"|",
        b"'",
        b"\xef\xbb\xbf",
    ),
]


class Reading(Record):
    time: int
    value: float
    at: datetime | None = None
    span: timedelta | None = None
    amount: Decimal | None = None
    id: UUID | None = None
    kind: Literal["a", "b"] | None = None
    share: Annotated[float, msgspec.Meta(ge=0)] | None = None
    parts: list[float | None] | None = None
    more: dict[str, int] | None = None
    note: str = ""


class Features(NamedTuple):
    value: Any
    other: Any


class Pair(NamedTuple):
    left: int
    right: int


SCHEMA = Schema(Reading)
GOOD = {
    "time": 1,
    "value": 1.5,
    "at": "2013-01-01T05:00:00.5Z",
    "span": "PT5S",
    "amount": "1.50",
    "id": str(UUID(int=7)),
    "kind": "a",
    "share": 0.5,
    "parts": [1.0, None],
    "more": {"x": 1},
    "note": 'ä "b", c',
}
JSON = json.dumps(GOOD, ensure_ascii=False).encode()


def damaged(random: Random, data: bytes) -> bytes:
    """Return data with a few bytes removed, duplicated, replaced or inserted."""
    result = bytearray(data)
    for _ in range(random.randrange(1, 5)):
        at, length = random.randrange(len(result) + 1), random.randrange(8)
        part = random.choice((b"", result[at : at + length] * 2, random.randbytes(length), random.choice(TOKENS)))
        result[at : at + random.choice((0, length))] = part
    return bytes(result)


def plain(random: Random, depth: int = 3) -> Any:
    """Return a value that JSON or msgpack might hold."""
    if depth and random.random() < 0.4:
        items = [plain(random, depth - 1) for _ in range(random.randrange(4))]
        return items if random.random() < 0.6 else {str(index): item for index, item in enumerate(items)}
    tags = ["T", "Pair", "<f8", "O", *_DECODERS]
    choices: tuple[Any, ...] = (None, True, -1, 2**63, 1.5, float("nan"), float("inf"), "", "a", random.choice(tags))
    return random.choice((*choices, random.randbytes(4), random.getrandbits(64)))


def odd(random: Random) -> Any:
    """Return what a model might predict or a pipeline emit."""
    choices: tuple[Any, ...] = (
        *(plain(random), np.float32(1.5), np.int64(3), np.array([1.0, np.nan]), np.array(["a", None], object)),
        *(np.datetime64("NaT"), np.datetime64(2**62, "s"), np.timedelta64(5, "ns"), pd.NA, pd.NaT, pd.Timestamp(0)),
        *(
            pd.Timedelta(5),
            Decimal("NaN"),
            Decimal("1e99"),
            datetime.max,  # noqa: DTZ901  without a zone
            timedelta.max,
            2**70,
            1 + 2j,
            b"\xff",
            "\ud800",
        ),
        *(object(), {1: 2}, {(1, 2): 3}, {1, 2}, Pair(1, 2), np.bool_(1), np.void(b"x"), UUID(int=7), "x" * 1000),
        *(datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))), np.float16(np.inf), np.array(5), range(3), "", None),
    )
    return random.choice(choices)
