"""The kinds of randomness that the synthetic data is made of.

Every series draws from a generator of its own, in the order of time. So the first rows of a long file are
those of a short one with the same seed, and a column can be added without changing another.
"""

from __future__ import annotations

from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def source(seed: int, name: str) -> np.random.Generator:
    """Return the generator of one series: its numbers depend on the seed and on the name, on nothing else."""
    return np.random.default_rng([seed, *name.encode()])


def wander(rng: np.random.Generator, steps: int, memory: float) -> Floats:
    """Return a smooth, stationary random walk of mean 0 and standard deviation 1, `float64[steps]`.

    White noise through two equal first-order filters: once would be as rough as no barometer is.

    Args:
        rng: what draws the noise.
        steps: how many values.
        memory: after how many steps, about, a filter has forgotten.
    """
    keep = 1 - 1 / memory
    deviation = np.sqrt((1 + keep**2) / (1 - keep**2) ** 3)  # of the second filter's output
    settling = int(20 * memory)  # both filters start at 0, which is not yet their stationary law
    series = iter(rng.normal(size=settling + steps).tolist())
    for _ in range(2):
        series = accumulate(series, lambda level, noise: keep * level + noise)
    walk: Floats = np.fromiter(series, np.float64)[settling:]
    return walk / float(deviation)


def cycle(rng: np.random.Generator, duty: Floats, period: float) -> NDArray[np.bool_]:
    """Return when a thermostat's machine runs, `bool[minutes]`.

    Args:
        rng: what makes no cycle last as long as the one before.
        duty: which part of a cycle it runs, 0 to 1, `float64[minutes]`.
        period: minutes from one start to the next, on average.
    """
    phase = np.cumsum(rng.uniform(0.5, 1.5, size=len(duty))) / period
    return phase % 1.0 < duty


def runs(rng: np.random.Generator, rate: Floats, minutes: float) -> Floats:
    """Return how hard an appliance runs, `float64[minutes]`: 0 when it is off, about 1 when it is on.

    Args:
        rng: what decides on starts, and for each on its length and strength.
        rate: the chance of a start in each minute, `float64[minutes]`.
        minutes: how long a run lasts, in the median.
    """
    level = np.zeros(len(rate))
    lengths, strengths = rng.spawn(2)  # drawn apart from the starts, whose number grows with the file
    starts = np.flatnonzero(rng.random(len(rate)) < rate)
    ends = starts + np.maximum(1, np.rint(minutes * lengths.lognormal(0.0, 0.4, len(starts)))).astype(np.int64)
    for start, end, strength in zip(starts, ends, strengths.normal(1.0, 0.12, len(starts)), strict=True):
        level[start:end] = strength
    return level
