"""The statistics of the features and predictions of a training, as they travel with the model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from makiserve.scoring.drift.bins import edges_of
from makiserve.scoring.drift.columns import LARGEST, is_missing, numbers, texts

TOP = 50
"""How many categories are counted by name; the others are one."""


class ColumnProfile(msgspec.Struct, frozen=True, omit_defaults=True):
    """One feature, or the prediction: categories for text, the other statistics for numbers and truth values.

    Attributes:
        name: of the feature; `prediction`, or `prediction.NAME` for one of several outputs.
        count: values, the missing ones included.
        nulls: how many are missing: None or nan.
        counts: the values in each bin; of text in each category, and last in all other categories.
        categories: the most frequent texts; None for numbers.
        edges: between the bins: a bin holds what is at most its edge.
        least: the smallest value; None for text, as the three that follow.
        largest: the largest.
        mean: of the values; None if it is not finite, as the next.
        stddev: of the values, with the divisor n.
    """

    name: str
    count: int
    nulls: int
    counts: list[int]
    categories: list[str] | None = None
    edges: list[float] = []
    least: float | None = None
    largest: float | None = None
    mean: float | None = None
    stddev: float | None = None

    @property
    def shares(self) -> NDArray[np.float64]:
        """The share of the present values in each bin or category, float64[bins]."""
        return np.array(self.counts) / max(self.count - self.nulls, 1)

    def shares_between(self, edges: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the share of the present values in the intervals between `edges`, as `numpy.histogram` cuts them.

        Inside a bin the values are taken to be spread evenly.
        """
        ends = np.append(np.nextafter(edges[:-1], -np.inf), edges[-1])  # only the last interval holds its upper end
        return np.diff(np.interp(ends, *self._cumulated(), left=0.0, right=1.0))

    def spread(self) -> NDArray[np.float64]:
        """Return a thousand values that are spread as those of the training, as far as its bins show."""
        at, below = self._cumulated()
        return np.interp((np.arange(1000) + 0.5) / 1000, below, at)

    def _cumulated(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the ends of the bins, and the share of the present values that are at most each."""
        least, largest = self.least or 0.0, self.largest or 0.0
        at = np.maximum([np.nextafter(least, -np.inf), *self.edges, largest], -LARGEST)
        return at, np.concatenate([[0.0], np.cumsum(self.shares)])


class Profile(msgspec.Struct, frozen=True):
    """What a training saw, column by column."""

    columns: list[ColumnProfile]

    def to_json(self) -> bytes:
        """Return the form in which it is stored."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1)


def profile_from(columns: Mapping[str, Sequence[Any]]) -> Profile:
    """Return the profile of columns of numbers, truth values or text; a column of anything else is left out."""
    found = (_column(name, values) for name, values in columns.items())
    return Profile([column for column in found if column is not None])


def _column(name: str, values: Sequence[Any]) -> ColumnProfile | None:
    kinds = {type(value) for value in values if not is_missing(value)}
    if kinds and all(issubclass(kind, str) for kind in kinds):
        return _of_text(name, values)
    if kinds and all(issubclass(kind, int | float | np.number | np.bool_) for kind in kinds):
        return _of_numbers(name, numbers(values))
    return None


def _of_text(name: str, values: Sequence[Any]) -> ColumnProfile:
    counts = Counter(texts(values))
    total = counts.total()
    top = counts.most_common(TOP)
    rest = total - sum(count for _, count in top)
    return ColumnProfile(
        name, len(values), len(values) - total, [*(count for _, count in top), rest], [text for text, _ in top]
    )


def _of_numbers(name: str, values: NDArray[np.float64]) -> ColumnProfile:
    there = values[~np.isnan(values)]
    edges = edges_of(there)
    with np.errstate(over="ignore", invalid="ignore"):
        mean, stddev = float(there.mean()), float(there.std())
    return ColumnProfile(
        name,
        len(values),
        len(values) - there.size,
        np.bincount(np.searchsorted(edges, there), minlength=len(edges) + 1).tolist(),
        edges=edges.tolist(),
        least=float(there.min()),
        largest=float(there.max()),
        mean=mean if np.isfinite(mean) else None,
        stddev=stddev if np.isfinite(stddev) else None,
    )
