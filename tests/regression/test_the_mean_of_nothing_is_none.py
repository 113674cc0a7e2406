"""RxSci divides by zero."""

from __future__ import annotations

import makiserve.stream as rs
from tests.unit.stream.feed import emitted


def test_the_mean_of_nothing_is_none() -> None:
    assert emitted(rs.math.mean(reduce=True), []) == [None]
