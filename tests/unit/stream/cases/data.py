"""Examples of the operators on windows, sessions and order."""

from __future__ import annotations

import makiserve.stream as rs
from tests.unit.stream.cases.case import Cases

CASES: Cases = {
    "data.roll": [
        lambda: rs.data.roll(3, 2, [rs.math.sum(reduce=True)]),
        lambda: rs.data.roll(4, 1, rs.ops.tee_map(rs.ops.first(), rs.ops.last(), rs.math.stddev(reduce=True))),
        lambda: rs.data.roll(2, 3, [rs.ops.count(reduce=True)]),
        lambda: rs.data.roll(3, 1, [rs.ops.scan(lambda a, i: (*a, i), (), reduce=True)]),
        lambda: rs.data.roll(3, 2, [rs.math.sum()]),
        lambda: rs.data.roll(4, 2, [rs.ops.group_by(lambda i: i % 2, [rs.math.sum(reduce=True)])]),
        lambda: rs.data.roll(4, 2, [rs.data.roll(2, 1, [rs.math.max(reduce=True)])]),
    ],
}
