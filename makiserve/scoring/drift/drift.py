"""What a service sees, counted in the bins of the training's profile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from makiserve.scoring.drift.columns import columns_of, numbers, texts
from makiserve.scoring.drift.profile import ColumnProfile, Profile

FLOOR = 1e-4
"""The least share of a bin: the index has no value for an empty one."""


class FeatureDrift(NamedTuple):
    """How one column differs from the training's.

    Attributes:
        name: of the column.
        seen: values that the service has seen, the missing ones included.
        psi: the population stability index; nan before the first value. By convention below 0.1 nothing has changed,
            above 0.25 much has (Siddiqi 2006, Credit Risk Scorecards). It is larger than 0 by chance, too: without any
            change its mean is about (bins - 1) * (1/n + 1/m) for samples of n and m (Yurdakul and Naranjo 2020).
        nulls: the part that is missing.
        expected_nulls: the same of the training.
        out_of_range: the part that is below or above all values of the training, or text that it did not know.
    """

    name: str
    seen: int
    psi: float
    nulls: float
    expected_nulls: float
    out_of_range: float


class Drift:
    """Counts the features and predictions of a service by the bins of a profile: a few numbers for each column.

    Args:
        profile: of the training.
    """

    def __init__(self, profile: Profile) -> None:
        self._columns = {column.name: _Counted(column) for column in profile.columns}

    def observe(self, features: Sequence[Any], predictions: Sequence[Any]) -> None:
        """Count a batch: what `Scored` holds of it."""
        for name, values in columns_of(features, predictions).items():
            if (column := self._columns.get(name)) is not None:
                column.observe(values)

    def merge(self, other: Drift) -> None:
        """Add what another has counted, by the same profile: of another worker, or of another hour."""
        for name, column in self._columns.items():
            column.merge(other._columns[name])

    def report(self) -> list[FeatureDrift]:
        """The drift of each column, in the order of the profile."""
        return [column.report() for column in self._columns.values()]


class _Counted:
    """The counts of one column."""

    def __init__(self, profile: ColumnProfile) -> None:
        self._profile = profile
        self._edges = np.array(profile.edges)
        self._least = -np.inf if profile.least is None else profile.least
        self._largest = np.inf if profile.largest is None else profile.largest
        self._codes = {text: code for code, text in enumerate(profile.categories or ())}
        self._bins: NDArray[np.int64] = np.zeros(len(profile.shares), np.int64)
        self._count = self._out = 0

    def observe(self, values: Sequence[Any]) -> None:
        self._count += len(values)
        if self._profile.categories is not None:
            other = len(self._codes)
            codes = np.array([self._codes.get(text, other) for text in texts(values)], np.int64)
            is_new = self._profile.shares[-1] == 0  # the training has known all of its texts by name
            self._out += int((codes == other).sum()) if is_new else 0
        else:
            column = numbers(values)
            there = column[~np.isnan(column)]
            codes = np.searchsorted(self._edges, there)
            self._out += int(((there < self._least) | (there > self._largest)).sum())
        self._bins += np.bincount(codes, minlength=len(self._bins))

    def merge(self, other: _Counted) -> None:
        self._bins += other._bins
        self._count += other._count
        self._out += other._out

    def report(self) -> FeatureDrift:
        there, expected = int(self._bins.sum()), self._profile
        return FeatureDrift(
            expected.name,
            self._count,
            stability_index(np.array(expected.shares), self._bins / there) if there else float("nan"),
            (self._count - there) / self._count if self._count else float("nan"),
            expected.nulls / expected.count,
            self._out / there if there else float("nan"),
        )


def stability_index(expected: NDArray[np.float64], found: NDArray[np.float64]) -> float:
    """The population stability index of two distributions over the same bins: the sum of (f - e) * ln(f / e).

    >>> round(stability_index(np.array([0.5, 0.5]), np.array([0.8, 0.2])), 3)
    0.416
    """
    e, f = np.maximum(expected, FLOOR), np.maximum(found, FLOOR)
    return float(np.sum((f - e) * np.log(f / e)))
