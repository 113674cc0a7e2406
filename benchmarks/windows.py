"""The pipeline of the benchmarks of frames and of Spark: figures of the last 20 values of each key."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

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
    return features_in(rs)


def features_in(module: Any) -> Any:
    """Return the same in the operators of makiserve or of rxsci."""
    figures = module.ops.tee_map(
        module.ops.last(),
        module.math.mean(lambda i: i.value, reduce=True),
        module.math.min(lambda i: i.value, reduce=True),
        module.math.max(lambda i: i.value, reduce=True),
    )
    windows = module.data.roll(window=WINDOW, stride=1, pipeline=figures)
    return rx.pipe(module.ops.group_by(lambda i: i.key, windows), module.ops.map(_row))


def _row(window: tuple[Reading, float, float, float]) -> Window:
    last, mean, low, high = window
    return Window(last.value, mean, low, high)
