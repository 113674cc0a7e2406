"""The features and predictions of a service or a replay, counted in the bins of the training's profile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from makiserve.scoring.drift.bins import groups_of
from makiserve.scoring.drift.item_columns import columns_of, numbers, texts
from makiserve.scoring.drift.profile import ColumnProfile, Profile

Floats = NDArray[np.float64]

FLOOR = 1e-4
"""The minimum share of a bin: the index is undefined for an empty bin."""


class FeatureDrift(NamedTuple):
    """The drift of one column from the training. Missing values and new values count in both measures.

    Attributes:
        name: the column's name.
        seen: the number of values counted, including the missing ones.
        psi: the population stability index over about ten bins of numbers, or over the categories, and the missing
            values; nan before the first value. By convention, a value below 0.1 means no change, and one above 0.25 a
            large change (Siddiqi 2006, Credit Risk Scorecards). It is also above 0 by chance: without any change its
            mean is about (bins - 1) * (1/n + 1/m) for samples of n and m (Yurdakul and Naranjo 2020).
        bins: the number of bins that are not empty in the training.
        distance: the distance from the training's distribution, from 0 (the same) to 1; nan before the first value. For
            numbers it is the largest difference of the cumulative shares at the edges of the bins
            (Kolmogorov-Smirnov), with missing values below all others. For text it is half the sum of the differences
            of the shares (total variation).
        nulls: the share of missing values.
        expected_nulls: the share of missing values in the training.
        out_of_range: the share of the present values that do not occur in the training: below its smallest or above its
            largest value, or not among its values or texts.
    """

    name: str
    seen: int
    psi: float
    bins: int
    distance: float
    nulls: float
    expected_nulls: float
    out_of_range: float


class Drift:
    """Counts of features and predictions by the bins of a profile, a few numbers for each column.

    Args:
        profile: the profile of the training.
    """

    def __init__(self, profile: Profile) -> None:
        self._columns = {column.name: _Counted(column) for column in profile.columns}

    def observe(self, features: Sequence[Any], predictions: Sequence[Any], weight: float = 1.0) -> None:
        """Count a batch, with features and predictions as in `Scored`.

        Args:
            features: the features of each output.
            predictions: the prediction of each output.
            weight: the number of outputs that each of them represents.
        """
        for name, values in columns_of(features, predictions).items():
            if (column := self._columns.get(name)) is not None:
                column.observe(values, weight)

    def merge(self, other: Drift) -> None:
        """Add the counts of another worker or another hour, which must use the same profile."""
        for name, column in self._columns.items():
            column.merge(other._columns[name])

    def report(self) -> list[FeatureDrift]:
        """Return the drift of each column, in the order of the profile."""
        return [column.report() for column in self._columns.values()]


class _Counted:
    """The counts of one column."""

    def __init__(self, profile: ColumnProfile) -> None:
        self._profile = profile
        self._edges = np.array(profile.edges, np.float64)
        self._least = -np.inf if profile.least is None else profile.least
        self._largest = np.inf if profile.largest is None else profile.largest
        self._expected = np.array([profile.nulls, *profile.counts], np.float64)
        self._codes = {text: code for code, text in enumerate(profile.categories or ())}
        self._counts = np.zeros(len(profile.counts) + 1)
        self._out = 0.0
        self._seen = 0

    def observe(self, values: Sequence[Any], weight: float) -> None:
        self._seen += len(values)
        codes, is_new = self._of_text(values) if self._profile.categories is not None else self._of_numbers(values)
        self._counts[1:] += weight * np.bincount(codes, minlength=len(self._counts) - 1)
        self._counts[0] += weight * (len(values) - len(codes))
        self._out += weight * int(is_new.sum())

    def merge(self, other: _Counted) -> None:
        self._counts += other._counts
        self._out += other._out
        self._seen += other._seen

    def report(self) -> FeatureDrift:
        expected, total = self._expected / self._expected.sum(), self._counts.sum()
        actual = self._counts / total if total else np.full(len(expected), np.nan)
        present = total - self._counts[0]
        groups = self._groups()
        shares = np.bincount(groups, expected)
        is_text = self._profile.categories is not None
        return FeatureDrift(
            self._profile.name,
            self._seen,
            stability_index(shares, np.bincount(groups, actual)),
            int((shares > 0).sum()),
            _total_variation(expected, actual) if is_text else _kolmogorov_smirnov(expected, actual),
            float(actual[0]),
            float(expected[0]),
            float(self._out / present) if present else float("nan"),
        )

    def _of_text(self, values: Sequence[Any]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        other = len(self._codes)
        codes = np.array([self._codes.get(text, other) for text in texts(values)], np.int64)
        return codes, (codes == other) & (self._profile.counts[-1] == 0)  # else it may be one of the other texts

    def _of_numbers(self, values: Sequence[Any]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        column = numbers(values)
        present = column[~np.isnan(column)]
        codes = np.searchsorted(self._edges, present)
        is_new = (present < self._least) | (present > self._largest)
        return codes, is_new | (self._expected[codes + 1] == 0)

    def _groups(self) -> NDArray[np.int64]:
        """Return the group in the index of the missing values and of each bin; missing values have the last group."""
        if self._profile.categories is not None:
            bins = np.arange(len(self._profile.counts))
        else:
            bins = groups_of(self._edges, np.array(self._profile.counts))
        return np.append(bins.max() + 1, bins)


def stability_index(expected: NDArray[Any], actual: NDArray[Any]) -> float:
    """Return the population stability index of two distributions over the same bins: the sum of (a - e) * ln(a / e).

    >>> round(stability_index(np.array([0.5, 0.5]), np.array([0.8, 0.2])), 3)
    0.416
    """
    e, a = np.maximum(expected, FLOOR), np.maximum(actual, FLOOR)
    return float(np.sum((a - e) * np.log(a / e)))


def _kolmogorov_smirnov(expected: Floats, actual: Floats) -> float:
    return float(np.abs(np.cumsum(expected) - np.cumsum(actual)).max())


def _total_variation(expected: Floats, actual: Floats) -> float:
    return float(np.abs(expected - actual).sum() / 2)
