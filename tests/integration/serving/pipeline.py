"""A stateful pipeline in which a lost, duplicated or reordered record changes all later outputs."""

from __future__ import annotations

from typing import NamedTuple

import rx

import makiserve
import makiserve.stream as rs


class Step(makiserve.Record):
    number: int
    value: float


REFERENCE = [Step(number, float(number % 7)) for number in range(50)]


class Features(NamedTuple):
    number: int
    total: float
    mean: float
    recent: float


def features() -> makiserve.Transform:
    return rx.pipe(
        rs.ops.map(lambda step: step if step.value != 13 else 1 / 0),
        rs.ops.tee_map(
            rs.ops.map(lambda step: step.number),
            rs.math.sum(lambda step: step.value),
            rs.math.mean(lambda step: step.value),
            rs.ops.scan(lambda recent, step: 0.9 * recent + 0.1 * step.value, 0.0),
        ),
        rs.ops.map(lambda row: Features(*row)),
    )
