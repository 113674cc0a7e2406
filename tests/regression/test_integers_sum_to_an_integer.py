"""RxSci sums in a float: beyond 2^53 the last digits are lost."""

from __future__ import annotations

import makiserve.stream as rs
from tests.unit.stream.feed import emitted


def test_integers_sum_to_an_integer() -> None:
    assert emitted(rs.math.sum(), [2**53, 1, 1]) == [2**53, 2**53 + 1, 2**53 + 2]
