"""Histograms of the snapshot."""

from __future__ import annotations

import msgspec
import pytest

from makiserve.monitoring.histogram import Histogram, empty
from tests.unit.monitoring.example import filled

BOUNDS = (1.0, 10.0, 100.0)


def test_two_histograms_add_up_to_that_of_all_values() -> None:
    assert filled(BOUNDS, 0.5, 5) + filled(BOUNDS, 50, 500) == filled(BOUNDS, 0.5, 5, 50, 500)


def test_difference_of_two_snapshots_is_what_was_added() -> None:
    early = filled(BOUNDS, 0.5, 5)
    assert (early + filled(BOUNDS, 50, 50)).since(early) == filled(BOUNDS, 50, 50)


@pytest.mark.parametrize(
    ("values", "part", "quantile"),
    [
        ((), 0.5, None),
        ((5,), 1.0, 10.0),
        ((5, 5, 5, 5), 0.5, 5.5),  # half-way into the bucket from 1 to 10
        ((0.5, 0.5, 50, 50), 0.75, 55.0),
        ((500,), 0.5, 100.0),
    ],
)
def test_a_quantile_is_interpolated_in_its_bucket(values: tuple[float, ...], part: float, quantile: float) -> None:
    assert filled(BOUNDS, *values).quantile(part) == quantile


def test_histogram_round_trip_between_processes() -> None:
    sent = msgspec.msgpack.encode(empty(BOUNDS) + filled(BOUNDS, 3))
    assert msgspec.msgpack.decode(sent, type=Histogram) == filled(BOUNDS, 3)
