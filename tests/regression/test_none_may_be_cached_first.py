"""In RxSci a stream whose first item is None fails in `cache`; 1.0 comes out of it as 1, when 1 came before."""

from __future__ import annotations

import makiserve.stream as rs
from tests.unit.stream.feed import emitted


def test_none_may_be_cached_first() -> None:
    assert emitted(rs.data.cache(), [None, "a", None, "a"]) == [None, "a", None, "a"]


def test_a_cached_value_keeps_its_type() -> None:
    assert [type(item) for item in emitted(rs.data.cache(), [1, 1.0, True])] == [int, float, bool]
