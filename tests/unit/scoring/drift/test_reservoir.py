"""A random sample that depends on the stream alone."""

from __future__ import annotations

import random

import numpy as np
import pytest
from scipy.stats import chisquare

from makiserve.scoring.drift import Reservoir


def sample(count: int, size: int, cut: int) -> list[int]:
    reservoir = Reservoir(size)
    for start in range(0, count, cut):
        reservoir.add(range(start, min(count, start + cut)))
    assert reservoir.offered == count
    return [row for (row,) in reservoir.rows]


def test_all_rows_are_kept_while_there_is_room() -> None:
    assert sample(100, 100, 7) == list(range(100))


@pytest.mark.slow
def test_a_sample_does_not_depend_on_the_batches() -> None:
    whole = sample(50_000, 1000, 50_000)
    assert len(whole) == len(set(whole)) == 1000
    assert whole == sorted(whole)
    assert all(sample(50_000, 1000, cut) == whole for cut in (1, 64, 997, 4096))


def test_a_sample_has_no_period() -> None:
    hours = np.bincount(np.array(sample(24 * 8_000, 20_000, 4096)) % 24, minlength=24)
    assert chisquare(hours).pvalue > 0.001


def test_early_and_late_rows_are_as_likely() -> None:
    tenths = np.bincount(np.array(sample(100_000, 5_000, 1_000)) // 10_000)
    assert chisquare(tenths).pvalue > 0.001


def test_rows_keep_their_columns_together() -> None:
    reservoir, chance = Reservoir(50), random.Random(1)
    for _ in range(100):
        values = [chance.random() for _ in range(chance.randrange(1, 40))]
        reservoir.add(values, [-value for value in values])
    assert all(number == -negated for number, negated in reservoir.rows)


def test_the_next_sample_draws_other_numbers() -> None:
    reservoir = Reservoir(10)
    samples = []
    for _ in range(2):
        reservoir.add(range(1000))
        samples.append(list(reservoir.rows))
        reservoir.clear()
    assert samples[0] != samples[1]
    assert reservoir.rows == []
