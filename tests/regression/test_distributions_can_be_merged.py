"""RxSci's `dist.merge` raises on every item: it hands distogram one argument for two."""

from __future__ import annotations

import rx

import makiserve.stream as rs
from tests.unit.stream.feed import emitted


def test_distributions_can_be_merged() -> None:
    halves = rs.ops.tee_map(
        [rs.ops.filter(lambda i: i % 2), rs.math.dist.update(3, reduce=True)],
        [rs.ops.filter(lambda i: i % 2 == 0), rs.math.dist.update(3, reduce=True)],
    )
    (merged,) = emitted(rx.pipe(halves, rs.math.dist.merge()), range(50))
    assert (merged.min, merged.max, merged.total, len(merged.bins)) == (0, 49, 50, 3)
