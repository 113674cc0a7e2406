"""A pipeline without state."""

from __future__ import annotations

from typing import NamedTuple

import makiserve
import makiserve.stream as rs


class Reading(makiserve.Record):
    key: int
    value: float


class Doubled(NamedTuple):
    key: int
    double: float


def features() -> makiserve.Transform:
    return rs.ops.map(lambda reading: Doubled(reading.key, 2 * reading.value))
