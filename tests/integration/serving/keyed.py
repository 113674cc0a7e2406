"""A pipeline of records that come from the key, the value and the CloudEvent of a message: a total of each house."""

from __future__ import annotations

from typing import NamedTuple

import rx

import makiserve
import makiserve.stream as rs


class Reading(makiserve.Record):
    number: int
    value: float
    house: str = makiserve.field(name="__key.house")
    event: str = makiserve.field(name="ce_id")


REFERENCE = [Reading(number, 1.0, "ab"[number % 2], f"e{number}") for number in range(10)]


class Features(NamedTuple):
    number: int
    house: str
    event: str
    total: float


def features() -> makiserve.Transform:
    return rs.ops.group_by(
        lambda reading: reading.house,
        rx.pipe(
            rs.ops.map(lambda reading: reading if reading.value != 13 else 1 / 0),
            rs.ops.tee_map(
                rs.ops.map(lambda reading: reading.number),
                rs.ops.map(lambda reading: reading.house),
                rs.ops.map(lambda reading: reading.event),
                rs.math.sum(lambda reading: reading.value),
            ),
            rs.ops.map(lambda row: Features(*row)),
        ),
    )
