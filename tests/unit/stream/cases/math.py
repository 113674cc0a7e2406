"""Examples of the operators on statistics."""

from __future__ import annotations

import makiserve.stream as rs
from tests.unit.stream.cases.case import Cases

CASES: Cases = {
    "math.sum": [lambda: rs.math.sum(), lambda: rs.math.sum(lambda i: i / 3, reduce=True)],
    "math.mean": [lambda: rs.math.mean(), lambda: rs.math.mean(lambda i: i / 3, reduce=True)],
    "math.min": [lambda: rs.math.min(), lambda: rs.math.min(lambda i: -i, reduce=True)],
    "math.max": [lambda: rs.math.max(), lambda: rs.math.max(lambda i: -i, reduce=True)],
    "math.variance": [lambda: rs.math.variance(), lambda: rs.math.variance(reduce=True)],
    "math.stddev": [lambda: rs.math.stddev(), lambda: rs.math.stddev(reduce=True)],
}
