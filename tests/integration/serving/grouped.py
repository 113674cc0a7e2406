"""A pipeline that groups by a field that is not the key of the messages: a running total of each house."""

from __future__ import annotations

from typing import NamedTuple

import rx

import makiserve
import makiserve.stream as rs


class Reading(makiserve.Record):
    number: int
    house: str = makiserve.field(name="house name")
    value: float


class Features(NamedTuple):
    house: str
    total: float
    first: int


def features() -> makiserve.Transform:
    return rs.ops.group_by(
        lambda reading: reading.house,
        rx.pipe(
            rs.ops.tee_map(
                rs.ops.map(lambda reading: reading.house),
                rs.math.sum(lambda reading: reading.value),
                rx.pipe(rs.ops.map(lambda reading: reading.number), rs.math.min()),
            ),
            rs.ops.map(lambda row: Features(*row)),
        ),
    )
