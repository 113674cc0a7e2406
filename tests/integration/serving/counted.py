"""A pipeline with a large state: a count and a smoothed mean for each key."""

from __future__ import annotations

from typing import NamedTuple

import rx

import makiserve
import makiserve.stream as rs


class Reading(makiserve.Record):
    key: int
    value: float


class Features(NamedTuple):
    key: int
    count: int  # type: ignore[assignment]  # hides tuple.count
    mean: float


def features() -> makiserve.Transform:
    return rx.pipe(
        rs.ops.group_by(
            lambda reading: reading.key,
            rx.pipe(
                rs.ops.tee_map(
                    rs.ops.map(lambda reading: reading.key),
                    rs.ops.count(),
                    rs.math.ewm_mean(lambda reading: reading.value, alpha=0.2),
                ),
                rs.ops.map(lambda row: Features(*row)),
            ),
        ),
    )
