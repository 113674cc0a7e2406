"""RxSci's formal variance, not reduced, forgets its items each time: it is always 0.0."""

from __future__ import annotations

import makiserve.stream as rs
from tests.unit.stream.feed import emitted


def test_a_running_population_variance_runs() -> None:
    assert emitted(rs.math.formal.variance(), [1, 3, 5]) == [0.0, 1.0, 8 / 3]
