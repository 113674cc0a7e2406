"""A pipeline that takes nine seconds for one record, longer than `max.poll.interval.ms` in the tests."""

from __future__ import annotations

import time
from typing import NamedTuple

import rx

import makiserve
import makiserve.stream as rs


class Step(makiserve.Record):
    number: int
    value: float


class Features(NamedTuple):
    number: int
    total: float


def _slow(step: Step) -> Step:
    if step.number == 50:
        time.sleep(9)
    return step


def features() -> makiserve.Transform:
    return rx.pipe(
        rs.ops.map(_slow),
        rs.ops.tee_map(rs.ops.map(lambda step: step.number), rs.math.sum(lambda step: step.value)),
        rs.ops.map(lambda row: Features(*row)),
    )
