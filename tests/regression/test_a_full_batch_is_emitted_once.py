"""RxSci emits the last batch a second time where the items fill their batches exactly, and [] for no item."""

from __future__ import annotations

import makiserve.stream as rs
from tests.unit.stream.feed import emitted


def test_a_full_batch_is_emitted_once() -> None:
    assert emitted(rs.data.batch(3), range(6)) == [[0, 1, 2], [3, 4, 5]]
    assert emitted(rs.data.batch(3), []) == []
