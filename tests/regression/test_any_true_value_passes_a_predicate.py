"""RxSci's filter and assertions, inside a store, want `True` itself: `i % 2` and numpy booleans drop everything."""

from __future__ import annotations

import numpy as np
import pytest

import makiserve.stream as rs
from tests.unit.stream.feed import emitted


@pytest.mark.parametrize("kept", [1, "yes", np.True_])
def test_any_true_value_passes_a_predicate(kept: object) -> None:
    for step in (rs.ops.filter, rs.ops.assert_):
        assert emitted(step(lambda i: kept), [1, 2]) == [1, 2]
    assert emitted(rs.ops.assert_1(lambda previous, i: kept), [1, 2]) == [1, 2]


@pytest.mark.parametrize("dropped", [0, "", None, np.False_])
def test_any_false_value_does_not(dropped: object) -> None:
    assert emitted(rs.ops.filter(lambda i: dropped), [1, 2]) == []
