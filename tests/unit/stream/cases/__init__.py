"""Examples of every operator, in every place where one can stand: what the contract suite runs over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rx

import makiserve.stream as rs
from tests.unit.stream.cases import compression, container, data, error, framing, math, ops, state
from tests.unit.stream.cases.case import NUMBERS, Cases
from tests.unit.stream.cases.untraced import UNTRACED as UNTRACED_OPS

CASES: Cases = ops.CASES | data.CASES | error.CASES | math.CASES | state.CASES | container.CASES | framing.CASES
UNTRACED = UNTRACED_OPS | container.UNTRACED | compression.UNTRACED

# the same pipelines in every place where one can stand
NESTINGS: dict[str, Callable[[Any], Any]] = {
    "alone": lambda inner: inner,
    "group_by": lambda inner: rs.ops.group_by(lambda i: i % 2, inner),
    "roll": lambda inner: rs.data.roll(4, 3, inner),
    "overlapping roll": lambda inner: rs.data.roll(3, 1, inner),
    "tee_map": lambda inner: rs.ops.tee_map(rs.ops.map(lambda i: i), inner, join="merge"),
    "roll in group_by": lambda inner: rs.ops.group_by(lambda i: i % 2, rs.data.roll(2, 1, inner)),
    "group_by in roll": lambda inner: rs.data.roll(5, 2, rs.ops.group_by(lambda i: i % 2, inner)),
    "after a map": lambda inner: rx.pipe(rs.ops.map(lambda i: i + 1), inner),
}

PIPELINES = {
    f"{name}#{number} {place}": lambda make=make, nest=nest: nest(make())
    for name, makes in CASES.items()
    for number, make in enumerate(makes)
    for place, nest in NESTINGS.items()
}

__all__ = ["CASES", "NUMBERS", "PIPELINES", "UNTRACED"]
