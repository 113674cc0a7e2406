"""Examples of the operators on statistics."""

from __future__ import annotations

import rx

import makiserve.stream as rs
from tests.unit.stream.cases.case import Cases, Point


def gaps(number: int) -> float | None:
    return None if number % 4 == 1 else float("nan") if number % 4 == 2 else number / 3


CASES: Cases = {
    "math.sum": [lambda: rs.math.sum(), lambda: rs.math.sum(lambda i: i / 3, reduce=True)],
    "math.mean": [
        lambda: rs.math.mean(),
        lambda: rs.math.mean(lambda i: i / 3, reduce=True),
        lambda: rs.math.mean(gaps, skip_missing=True),
        lambda: rs.math.mean(gaps, reduce=True, skip_missing=True, min_periods=2),
    ],
    "math.min": [lambda: rs.math.min(), lambda: rs.math.min(lambda i: -i, reduce=True)],
    "math.max": [
        lambda: rs.math.max(),
        lambda: rs.math.max(lambda i: -i, reduce=True),
        lambda: rs.math.max(gaps, reduce=True, skip_missing=True),
    ],
    "math.variance": [lambda: rs.math.variance(), lambda: rs.math.variance(reduce=True)],
    "math.stddev": [lambda: rs.math.stddev(), lambda: rs.math.stddev(reduce=True)],
    "math.ewm_mean": [
        lambda: rs.math.ewm_mean(alpha=0.3),
        lambda: rs.math.ewm_mean(lambda i: i / 3, halflife=2.5, reduce=True),
        lambda: rs.math.ewm_mean(gaps, alpha=0.3, skip_missing=True, min_periods=2),
        lambda: rs.math.ewm_mean(halflife="2ms", time_mapper=lambda i: i),
        lambda: rs.math.ewm_mean(gaps, halflife="3ms", time_mapper=lambda i: i, reduce=True, skip_missing=True),
    ],
    "math.ewm_stddev": [
        lambda: rs.math.ewm_stddev(alpha=0.3),
        lambda: rs.math.ewm_stddev(lambda i: i / 3, halflife=2.5, reduce=True),
        lambda: rs.math.ewm_stddev(lambda i: i / 3, halflife="2ms", time_mapper=lambda i: i, reduce=True),
    ],
    "math.skew": [
        lambda: rs.math.skew(),
        lambda: rs.math.skew(lambda i: i / 3, reduce=True),
        lambda: rs.math.skew(gaps, reduce=True, skip_missing=True, min_periods=4),
    ],
    "math.argmin": [
        lambda: rs.math.argmin(lambda i: i % 4),
        lambda: rs.math.argmin(lambda i: -i, reduce=True),
        lambda: rs.math.argmin(gaps, reduce=True, skip_missing=True, min_periods=2),
    ],
    "math.argmax": [
        lambda: rs.math.argmax(lambda i: i % 4),
        lambda: rs.math.argmax(reduce=True),
        lambda: rx.pipe(rs.ops.map(lambda i: Point(i, i % 3)), rs.math.argmax(lambda p: p.y)),
    ],
    "math.top_k": [
        lambda: rs.math.top_k(2, lambda i: i % 4),
        lambda: rs.math.top_k(3, reduce=True),
        lambda: rs.math.top_k(2, gaps, reduce=True, skip_missing=True, min_periods=2),
    ],
    "math.covariance": [
        lambda: rs.math.covariance(lambda i: (i, i * i)),
        lambda: rs.math.covariance(lambda i: (i, i * i), reduce=True),
    ],
    "math.correlation": [
        lambda: rs.math.correlation(lambda i: (i, i * i)),
        lambda: rs.math.correlation(lambda i: (i, i * i), reduce=True),
    ],
    "math.slope": [
        lambda: rs.math.slope(lambda i: (i, i * i)),
        lambda: rs.math.slope(lambda i: (i, i * i), reduce=True),
        lambda: rs.math.slope(lambda i: (i, gaps(i)), reduce=True, skip_missing=True, min_periods=2),
    ],
    "math.rate": [lambda: rs.math.rate(lambda i: i), lambda: rs.math.rate(lambda i: i, reduce=True)],
    "math.quantile": [
        lambda: rs.math.quantile(0.3),
        lambda: rs.math.quantile(0.9, lambda i: -i, reduce=True),
        lambda: rs.math.quantile(0.3, gaps, skip_missing=True, min_periods=3),
    ],
    "math.median": [lambda: rs.math.median(), lambda: rs.math.median(lambda i: -i, reduce=True)],
    "math.distinct_count": [
        lambda: rs.math.distinct_count(),
        lambda: rs.math.distinct_count(lambda i: (i % 4, str(i)), reduce=True),
    ],
    "math.formal.variance": [lambda: rs.math.formal.variance(), lambda: rs.math.formal.variance(reduce=True)],
    "math.formal.stddev": [lambda: rs.math.formal.stddev(), lambda: rs.math.formal.stddev(reduce=True)],
    "math.dist.update": [
        lambda: rs.math.dist.update(),
        lambda: rs.math.dist.update(3, weighted_diff=True),
        lambda: rs.math.dist.update(bin_count=4, reduce=True),
    ],
    "math.dist.merge": [
        lambda: rx.pipe(rs.ops.tee_map(*[rs.math.dist.update(4, reduce=True)] * 2), rs.math.dist.merge())
    ],
    "math.dist.min": [lambda: rx.pipe(rs.math.dist.update(), rs.math.dist.min())],
    "math.dist.max": [lambda: rx.pipe(rs.math.dist.update(), rs.math.dist.max())],
    "math.dist.mean": [lambda: rx.pipe(rs.math.dist.update(4, reduce=True), rs.math.dist.mean())],
    "math.dist.variance": [lambda: rx.pipe(rs.math.dist.update(4), rs.math.dist.variance())],
    "math.dist.stddev": [lambda: rx.pipe(rs.math.dist.update(4), rs.math.dist.stddev())],
    "math.dist.quantile": [lambda: rx.pipe(rs.math.dist.update(4), rs.math.dist.quantile(0.5))],
    "math.dist.histogram": [lambda: rx.pipe(rs.math.dist.update(4), rs.math.dist.histogram(3))],
    "math.dist.describe": [lambda: rx.pipe(rs.math.dist.update(4, reduce=True), rs.math.dist.describe())],
}
