"""RxSci emits one and the same object, which later items change."""

from __future__ import annotations

import makiserve.stream as rs
from tests.unit.stream.feed import emitted


def test_an_emitted_distribution_does_not_change() -> None:
    assert [dist.total for dist in emitted(rs.math.dist.update(), [1, 2, 3])] == [1, 2, 3]
