"""RxSci's `fill_none` fails on a tuple without field names, such as `tee_map` emits."""

from __future__ import annotations

import makiserve.stream as rs
from tests.unit.stream.feed import emitted


def test_none_is_filled_in_a_plain_tuple() -> None:
    assert emitted(rs.data.fill_none(0), [(1, None), (None, None)]) == [(1, 0), (0, 0)]
