"""One or more examples of every operator: what the contract suite runs over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import rx

import makiserve.stream as rs


class Point(NamedTuple):
    x: float
    y: float


NUMBERS = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8]

# operator → pipelines that show it; each takes a stream of numbers
CASES: dict[str, list[Callable[[], Any]]] = {
    "ops.map": [lambda: rs.ops.map(lambda i: i * 2)],
    "ops.filter": [lambda: rs.ops.filter(lambda i: i % 2)],
    "ops.count": [lambda: rs.ops.count(), lambda: rs.ops.count(reduce=True)],
    "ops.first": [lambda: rs.ops.first()],
    "ops.last": [lambda: rs.ops.last()],
    "ops.scan": [
        lambda: rs.ops.scan(lambda a, i: a + i / 2, 0),
        lambda: rs.ops.scan(lambda a, i: a + i, 0, reduce=True),
        lambda: rs.ops.scan(lambda a, i: [*a, i], list),
        lambda: rs.ops.scan(lambda a, i: a.append(i) or a, [], reduce=True, terminator=sum),
        lambda: rs.ops.scan(lambda a, i: Point(i, a.x), Point(0, 0), terminator=lambda a: a),
    ],
    "ops.group_by": [
        lambda: rs.ops.group_by(lambda i: i % 3, [rs.math.sum()]),
        lambda: rs.ops.group_by(lambda i: Point(i % 2, 0), [rs.data.roll(2, 1, [rs.math.sum(reduce=True)])]),
        lambda: rs.ops.group_by(lambda i: i % 2, [rs.ops.group_by(lambda i: i % 3, [rs.ops.count()])]),
    ],
    "ops.tee_map": [
        lambda: rs.ops.tee_map(rs.ops.count(), rs.math.sum()),
        lambda: rs.ops.tee_map(rs.ops.filter(lambda i: i != 1), rs.ops.map(lambda i: i * 10)),
        lambda: rs.ops.tee_map(rs.ops.filter(lambda i: i > 2), rs.math.max(), join="merge"),
        lambda: rs.ops.tee_map(rs.ops.filter(lambda i: i > 2), rs.math.min(), join="combine_latest"),
        lambda: rs.ops.tee_map(rs.ops.last(), rs.ops.first(), rs.math.mean(reduce=True)),
    ],
    "data.roll": [
        lambda: rs.data.roll(3, 2, [rs.math.sum(reduce=True)]),
        lambda: rs.data.roll(4, 1, rs.ops.tee_map(rs.ops.first(), rs.ops.last(), rs.math.stddev(reduce=True))),
        lambda: rs.data.roll(2, 3, [rs.ops.count(reduce=True)]),
        lambda: rs.data.roll(3, 1, [rs.ops.scan(lambda a, i: (*a, i), (), reduce=True)]),
        lambda: rs.data.roll(3, 2, [rs.math.sum()]),
        lambda: rs.data.roll(4, 2, [rs.ops.group_by(lambda i: i % 2, [rs.math.sum(reduce=True)])]),
        lambda: rs.data.roll(4, 2, [rs.data.roll(2, 1, [rs.math.max(reduce=True)])]),
    ],
    "math.sum": [lambda: rs.math.sum(), lambda: rs.math.sum(lambda i: i / 3, reduce=True)],
    "math.mean": [lambda: rs.math.mean(), lambda: rs.math.mean(lambda i: i / 3, reduce=True)],
    "math.min": [lambda: rs.math.min(), lambda: rs.math.min(lambda i: -i, reduce=True)],
    "math.max": [lambda: rs.math.max(), lambda: rs.math.max(lambda i: -i, reduce=True)],
    "math.variance": [lambda: rs.math.variance(), lambda: rs.math.variance(reduce=True)],
    "math.stddev": [lambda: rs.math.stddev(), lambda: rs.math.stddev(reduce=True)],
    "state.with_memory_store": [lambda: rs.state.with_memory_store([rs.math.sum()])],
}

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
