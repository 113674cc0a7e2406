"""The pipeline of the Spark benchmark: figures of the last 20 values of each key."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import rx

import makiserve
import makiserve.stream as rs

WINDOW = 20


class Reading(makiserve.Record):
    """A value of a key."""

    key: str
    at: datetime
    value: float


class Window(NamedTuple):
    """Figures of the last values of a key."""

    value: float
    mean: float
    low: float
    high: float


def features() -> makiserve.Transform:
    """Return the figures for each reading, from the twentieth of its key on."""
    figures = rs.ops.tee_map(
        rs.ops.last(),
        rs.math.mean(lambda i: i.value, reduce=True),
        rs.math.min(lambda i: i.value, reduce=True),
        rs.math.max(lambda i: i.value, reduce=True),
    )
    windows = rs.data.roll(WINDOW, stride=1, pipeline=figures)
    return rx.pipe(rs.ops.group_by(lambda i: i.key, windows), rs.ops.map(_row))


def _row(window: tuple[Reading, float, float, float]) -> Window:
    last, mean, low, high = window
    return Window(last.value, mean, low, high)
