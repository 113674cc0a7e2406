"""Random series that the synthetic data consists of.

Each series has its own generator and draws from it in time order. A long file therefore begins with the rows of a
short one of the same seed, and a new column does not change the others.
"""

from __future__ import annotations

from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def generator(seed: int, name: str) -> np.random.Generator:
    """Return the generator of one series. Its numbers depend only on the seed and the name."""
    return np.random.default_rng([seed, *name.encode()])


def smooth_noise(rng: np.random.Generator, steps: int, memory: float) -> Floats:
    """Return smooth, stationary noise of mean 0 and standard deviation 1, `float64[steps]`.

    White noise passes two equal first-order low-pass filters; after a single one it is rougher than any real weather.

    Args:
        rng: generator of the white noise.
        steps: number of values.
        memory: time constant of a filter, in steps.
    """
    keep = 1 - 1 / memory
    deviation = np.sqrt((1 + keep**2) / (1 - keep**2) ** 3)  # of the second filter's output
    burn_in = int(20 * memory)  # both filters start at 0 and are stationary only after a while
    series = iter(rng.normal(size=burn_in + steps).tolist())
    for _ in range(2):
        series = accumulate(series, lambda level, shock: keep * level + shock)
    noise: Floats = np.fromiter(series, np.float64)[burn_in:]
    return noise / float(deviation)


def thermostat(rng: np.random.Generator, duty: Floats, period: float) -> NDArray[np.bool_]:
    """Return the minutes in which a machine under a thermostat runs, `bool[minutes]`.

    Args:
        rng: generator of the varying lengths of cycles.
        duty: share of a cycle in which the machine runs, 0 to 1, `float64[minutes]`.
        period: mean minutes from one start to the next.
    """
    phase = np.cumsum(rng.uniform(0.5, 1.5, size=len(duty))) / period
    return phase % 1.0 < duty


def appliance_runs(rng: np.random.Generator, rate: Floats, minutes: float) -> Floats:
    """Return the load of an appliance, `float64[minutes]`: 0 when it is off, about 1 when it runs.

    Args:
        rng: generator of the starts and of the length and load of each run.
        rate: probability of a start in each minute, `float64[minutes]`.
        minutes: median length of a run.
    """
    level = np.zeros(len(rate))
    lengths, loads = rng.spawn(2)  # separate from the starts, whose number grows with the file
    starts = np.flatnonzero(rng.random(len(rate)) < rate)
    ends = starts + np.maximum(1, np.rint(minutes * lengths.lognormal(0.0, 0.4, len(starts)))).astype(np.int64)
    for start, end, load in zip(starts, ends, loads.normal(1.0, 0.12, len(starts)), strict=True):
        level[start:end] = load
    return level
