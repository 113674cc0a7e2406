"""RxSci's distinct_until_changed starts from None, so that a stream's first item, where it is None, is swallowed."""

from __future__ import annotations

import makiserve.stream as rs
from tests.unit.stream.feed import emitted


def test_a_leading_none_is_distinct() -> None:
    assert emitted(rs.ops.distinct_until_changed(), [None, None, 1, None]) == [None, 1, None]


def test_a_leading_item_whose_key_is_none_is_distinct() -> None:
    assert emitted(rs.ops.distinct_until_changed(lambda i: i or None), [0, 0, 1]) == [0, 1]


def test_take_starts_again_in_every_window() -> None:
    windows = rs.data.roll(2, 2, rs.ops.distinct_until_changed())
    assert emitted(windows, [None, None, None, 1]) == [None, None, 1]
