"""distogram, which RxSci uses, takes the first bin's value for its count: bars come out negative."""

from __future__ import annotations

import rx

import makiserve.stream as rs
from tests.unit.stream.feed import emitted


def test_the_first_bar_of_a_histogram_is_a_count() -> None:
    items = [1000.0] * 4 + [1000.5] * 4 + [1001.0] * 4 + [1100.0]
    histogram = rx.pipe(rs.math.dist.update(3, reduce=True), rs.math.dist.histogram(3))
    ((counts, _),) = emitted(histogram, items)
    assert all(count >= 0 for count in counts)
    assert sum(counts) == len(items)
