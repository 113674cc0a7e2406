"""The statistics of a training's features and predictions, as stored with the model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from makiserve.scoring.drift.bins import edges_of, next_below
from makiserve.scoring.drift.item_columns import LARGEST, is_missing, numbers, texts
from makiserve.structs import thread_safe

TOP = 50
"""The number of categories that are counted by name; all others are counted together."""


class ColumnProfile(msgspec.Struct, frozen=True, omit_defaults=True):
    """The statistics of one feature, or of the prediction.

    Text has categories. Numbers and booleans have the other statistics.

    Attributes:
        name: the feature's name; `prediction`, or `prediction.NAME` for one of several outputs.
        count: the number of values, including the missing ones.
        nulls: the number of missing values: None or nan.
        counts: the number of values in each bin. For text, the number in each category, and last the number in all
            other categories.
        categories: the most frequent texts; None for numbers.
        edges: the edges between the bins. The upper edge belongs to the bin.
        least: the smallest value; None for text.
        largest: the largest value; None for text.
        mean: the mean of the values; None for text, or if it is not finite.
        stddev: the standard deviation of the values, with the divisor n; None for text, or if it is not finite.
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

        The values in a bin are assumed to be spread evenly.
        """
        ends = np.append(next_below(edges[:-1]), edges[-1])  # only the last interval holds its upper end
        return np.diff(np.interp(ends, *self._cumulated(), left=0.0, right=1.0))

    def spread(self) -> NDArray[np.float64]:
        """Return 1,000 values with the distribution of the training, as far as its bins show."""
        at, below = self._cumulated()
        return np.interp((np.arange(1000) + 0.5) / 1000, below, at)

    def _cumulated(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the ends of the bins, and for each end the share of the present values up to and including it."""
        least, largest = self.least or 0.0, self.largest or 0.0
        at = np.maximum([float(next_below(least)), *self.edges, largest], -LARGEST)
        return at, np.concatenate([[0.0], np.cumsum(self.shares)])


@thread_safe
class Profile(msgspec.Struct, frozen=True):
    """The statistics of a training, column by column."""

    columns: list[ColumnProfile]

    def to_json(self) -> bytes:
        """Return the profile as JSON, the form in which it is stored."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1)


def profile_from(columns: Mapping[str, Sequence[Any]]) -> Profile:
    """Return the profile of columns of numbers, booleans or text; columns of other types are left out."""
    profiles = (_column(name, values) for name, values in columns.items())
    return Profile([column for column in profiles if column is not None])


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
    present = values[~np.isnan(values)]
    edges = edges_of(present)
    with np.errstate(all="ignore"):
        mean, stddev = float(present.mean()), float(present.std())
    return ColumnProfile(
        name,
        len(values),
        len(values) - present.size,
        np.bincount(np.searchsorted(edges, present), minlength=len(edges) + 1).tolist(),
        edges=edges.tolist(),
        least=float(present.min()),
        largest=float(present.max()),
        mean=mean if np.isfinite(mean) else None,
        stddev=stddev if np.isfinite(stddev) else None,
    )
