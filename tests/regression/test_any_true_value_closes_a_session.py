"""In RxSci only `True` itself closes a session: a numpy boolean does not."""

from __future__ import annotations

import numpy as np

import makiserve.stream as rs
from tests.unit.stream.feed import emitted


def test_any_true_value_closes_a_session() -> None:
    numbers = np.array([1, 9, 2])
    closing = rs.data.time_split(lambda i: 0, closing_mapper=lambda i: numbers[i] > 5, pipeline=[rs.data.to_list()])
    assert emitted(closing, range(3)) == [[0, 1], [2]]
