"""Examples of the operators on items."""

from __future__ import annotations

import makiserve.stream as rs
from tests.unit.stream.cases.case import Cases, Point

CASES: Cases = {
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
}
