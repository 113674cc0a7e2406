"""Bugs of RxSci's statistics, which makiserve does not have."""

from __future__ import annotations

import rx

import makiserve.stream as rs
from tests.unit.stream.feed import emitted

# RxSci's formal variance, not reduced, forgets its items each time: it is always 0.0.


def test_a_running_population_variance_runs() -> None:
    assert emitted(rs.math.formal.variance(), [1, 3, 5]) == [0.0, 1.0, 8 / 3]


# RxSci emits one and the same object, which later items change.


def test_an_emitted_distribution_does_not_change() -> None:
    assert [dist.total for dist in emitted(rs.math.dist.update(), [1, 2, 3])] == [1, 2, 3]


# RxSci's `dist.merge` raises on every item: it hands distogram one argument for two.


def test_distributions_can_be_merged() -> None:
    halves = rs.ops.tee_map(
        [rs.ops.filter(lambda i: i % 2), rs.math.dist.update(3, reduce=True)],
        [rs.ops.filter(lambda i: i % 2 == 0), rs.math.dist.update(3, reduce=True)],
    )
    (merged,) = emitted(rx.pipe(halves, rs.math.dist.merge()), range(50))
    assert (merged.min, merged.max, merged.total, len(merged.bins)) == (0, 49, 50, 3)


# RxSci sums in a float: beyond 2^53 the last digits are lost.


def test_integers_sum_to_an_integer() -> None:
    assert emitted(rs.math.sum(), [2**53, 1, 1]) == [2**53, 2**53 + 1, 2**53 + 2]


# distogram, which RxSci uses, takes the first bin's value for its count: bars come out negative.


def test_the_first_bar_of_a_histogram_is_a_count() -> None:
    items = [1000.0] * 4 + [1000.5] * 4 + [1001.0] * 4 + [1100.0]
    histogram = rx.pipe(rs.math.dist.update(3, reduce=True), rs.math.dist.histogram(3))
    ((counts, _),) = emitted(histogram, items)
    assert all(count >= 0 for count in counts)
    assert sum(counts) == len(items)


# RxSci divides by zero.


def test_the_mean_of_nothing_is_none() -> None:
    assert emitted(rs.math.mean(reduce=True), []) == [None]
