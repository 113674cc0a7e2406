"""Examples of every operator, in every place where one can stand: what the contract suite runs over."""

from __future__ import annotations

from collections.abc import Callable, Iterable
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

FAST_PLACES = ("roll in group_by",)
SLOW_PLACES = [place for place in NESTINGS if place not in FAST_PLACES]
MODULES = dict.fromkeys(name.rpartition(".")[0] for name in CASES)
FAST = [[case for case in PIPELINES if case.rpartition(".")[0] == module] for module in MODULES]
SLOW = [[case for case in PIPELINES if case.partition("#")[0] == name] for name in CASES]


def each_pipeline(test: Callable[..., None]) -> Callable[..., None]:
    """Run a test for each case in every place: `test(make)`.

    In `make unit`, an item of pytest is all cases of a module, in the windows of groups. The other places are slow: an
    item is all cases of an operator.
    """

    @pytest.mark.parametrize(
        ("cases", "places"),
        [pytest.param(cases, FAST_PLACES, id=module) for module, cases in zip(MODULES, FAST, strict=True)]
        + [
            pytest.param(cases, SLOW_PLACES, id=name, marks=pytest.mark.slow)
            for name, cases in zip(CASES, SLOW, strict=True)
        ],
    )
    @wraps(test)
    def run_in_all_places(cases: list[str], places: Iterable[str]) -> None:
        for case in cases:
            for place in places:
                try:
                    test(PIPELINES[case][place])
                except Exception as error:
                    raise AssertionError(f"{case} {place}: {error!r}") from error

    # wraps() would show pytest the test's own parameter
    run_in_all_places.__signature__ = signature(lambda cases, places: None)
    return run_in_all_places


__all__ = ["CASES", "NUMBERS", "PIPELINES", "UNTRACED", "each_pipeline"]
