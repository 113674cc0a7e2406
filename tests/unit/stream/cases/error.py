"""Examples of the operators on errors."""

from __future__ import annotations

import rx

import makiserve.stream as rs
from tests.unit.stream.cases.case import Cases


def inverse(number: int) -> float:
    return 1 / (number - 5) if isinstance(number, int) else 0.0


def routed() -> rx.Observable:
    errors, route = rs.error.create_error_router()
    errors.subscribe(lambda error: None)
    return rx.pipe(rs.ops.map(inverse), route())


CASES: Cases = {
    "error.ignore": [
        lambda: rx.pipe(rs.math.sum(), rs.ops.map(inverse), rs.error.ignore()),
        lambda: rx.pipe(rs.ops.map(inverse), rs.error.ignore(), rs.math.sum()),
        lambda: rx.pipe(rs.ops.tee_map(rs.math.sum(), rs.ops.map(inverse)), rs.error.ignore(), rs.ops.count()),
    ],
    "error.map": [lambda: rx.pipe(rs.ops.map(inverse), rs.error.map(lambda error: 7.0), rs.math.sum())],
    "error.create_error_router": [routed],
}
