"""The number of records in a batch."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from makiserve.serving.schedule import FIRST, AdaptiveBatchSizer

TARGET = timedelta(milliseconds=100)


def settled(overhead_s: float, cost_s: float, arrived: int = 10_000) -> int:
    """The bound after some batches of a model, when more than enough has always arrived."""
    pace, chance = AdaptiveBatchSizer(TARGET, 4096), random.Random(1)
    for _ in range(60):
        records = min(pace.records, chance.choice([arrived, arrived // 2]))
        pace.observe(records, overhead_s + cost_s * records)
    return pace.records


def test_first_batch_is_small() -> None:
    assert AdaptiveBatchSizer(TARGET, 4096).records == FIRST
    assert AdaptiveBatchSizer(TARGET, 10).records == 10


def test_a_quick_model_gets_all_that_has_arrived_up_to_the_most() -> None:
    assert settled(1e-4, 1e-6) == 4096


def test_a_batch_takes_about_as_long_as_it_may() -> None:
    assert settled(0.0, 1e-3) == pytest.approx(100, abs=5)
    assert settled(0.02, 1e-3) == pytest.approx(80, abs=5)


def test_slow_model_gets_batches_of_twice_the_time_of_a_call() -> None:
    assert settled(0.5, 1e-3) == pytest.approx(500, abs=50)


def test_a_model_that_cannot_keep_up_gets_one_record_at_a_time() -> None:
    assert settled(0.0, 3.0) == 1


def test_model_that_is_quick_again_gets_larger_batches() -> None:
    pace = AdaptiveBatchSizer(TARGET, 4096)
    for _ in range(50):
        pace.observe(pace.records, pace.records * 1.0)
    assert pace.records == 1
    for _ in range(400):
        pace.observe(pace.records, pace.records * 1e-6)
    assert pace.records == 4096
