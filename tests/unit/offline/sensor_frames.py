"""Two sensors, with one event a minute each, and the features of these events."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone
from typing import Any, Literal, NamedTuple

import pyarrow as pa
import rx

import makiserve
import makiserve.stream as rs

START = datetime(2026, 11, 1, tzinfo=timezone.utc)


class Event(makiserve.Record):
    at: datetime
    sensor: str
    number: int
    value: float | None = None
    kind: Literal["a", "b"] = "a"


class Features(NamedTuple):
    number: int
    total: float
    kind: str


def features() -> makiserve.Transform:
    total = rs.math.sum(lambda event: event.value, reduce=False, skip_missing=True)
    return rx.pipe(
        rs.ops.tee_map(rs.ops.map(lambda event: event), total),
        rs.ops.map(lambda pair: Features(pair[0].number, pair[1], pair[0].kind)),
    )


def rows(count: int = 60) -> list[dict[str, Any]]:
    """Two sensors, each with one event a minute, in the same minute; some values are missing."""
    return [
        {
            "at": START + timedelta(minutes=number // 2),
            "sensor": "xy"[number % 2],
            "number": number,
            "value": None if number % 7 == 3 else number / 8,
            "kind": "ab"[number % 3 == 0],
        }
        for number in range(count)
    ]


TABLE = pa.Table.from_pylist(rows())


def shuffled(table: pa.Table = TABLE) -> pa.Table:
    order = list(range(table.num_rows))
    random.Random(5).shuffle(order)
    return table.take(order)


def frame_of(source: Any, **options: Any) -> Any:
    return makiserve.features_frame(source, features=features, record=Event, **options)
