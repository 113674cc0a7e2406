"""Examples of every operator, in every place where one can stand: what the contract suite runs over."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any

import pytest
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


def _nested(nest: Callable[[Any], Any], make: Callable[[], Any]) -> Callable[[], Any]:
    return lambda: nest(make())


PIPELINES: dict[str, dict[str, Callable[[], Any]]] = {
    f"{name}#{number}": {place: _nested(nest, make) for place, nest in NESTINGS.items()}
    for name, makes in CASES.items()
    for number, make in enumerate(makes)
}
"""Each case in every place."""


def each_pipeline(test: Callable[..., None]) -> Callable[..., None]:
    """Run a test for each case, in every place: `test(make)`. One item of pytest a case: there are thousands."""

    @pytest.mark.parametrize("case", PIPELINES)
    @wraps(test)
    def run_in_all_places(case: str) -> None:
        for place, make in PIPELINES[case].items():
            try:
                test(make)
            except Exception as error:
                raise AssertionError(f"{case} {place}: {error!r}") from error

    # wraps() would show pytest the test's own parameter
    run_in_all_places.__signature__ = signature(lambda case: None)
    return run_in_all_places


__all__ = ["CASES", "NUMBERS", "PIPELINES", "UNTRACED", "each_pipeline"]
