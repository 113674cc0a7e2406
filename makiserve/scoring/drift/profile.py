"""The statistics of the features and predictions of a training, as they travel with the model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from makiserve.scoring.drift.columns import numbers, texts

BINS = 10
TOP = 50
"""How many categories are counted by name; the others are one."""


class ColumnProfile(msgspec.Struct, frozen=True, omit_defaults=True):
    """One feature, or the prediction. Of text the categories are known, of numbers and truth values the rest.

    Attributes:
        name: of the feature; `prediction`, or `prediction.NAME` for one of several outputs.
        count: values, the missing ones included.
        nulls: how many are missing: None or nan.
        shares: the part of the values there are in each bin, or category, and last in all other categories.
        categories: the most frequent texts; None for numbers.
        edges: between the bins: a bin holds what is at most its edge. By quantiles, so that the shares are about equal.
        least: the smallest value; None where there is none, as the three that follow.
        largest: the largest.
        mean: of the values.
        stddev: of the values, with the divisor n.
    """

    name: str
    count: int
    nulls: int
    shares: list[float]
    categories: list[str] | None = None
    edges: list[float] = []
    least: float | None = None
    largest: float | None = None
    mean: float | None = None
    stddev: float | None = None


class Profile(msgspec.Struct, frozen=True):
    """What a training saw, column by column."""

    columns: list[ColumnProfile]

    def to_json(self) -> bytes:
        """As it is stored."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1)


def profile_from(columns: Mapping[str, Sequence[Any]]) -> Profile:
    """The profile of columns of numbers, truth values or text; a column of anything else is left out."""
    found = (_column(name, values) for name, values in columns.items())
    return Profile([column for column in found if column is not None])


def _column(name: str, values: Sequence[Any]) -> ColumnProfile | None:
    kinds = {type(value) for value in values} - {type(None)}
    if kinds and all(issubclass(kind, str) for kind in kinds):
        return _of_text(name, values)
    if kinds and all(issubclass(kind, int | float | np.number | np.bool_) for kind in kinds):
        return _of_numbers(name, numbers(values))
    return None


def _of_text(name: str, values: Sequence[Any]) -> ColumnProfile:
    counts = Counter(texts(values))
    total = counts.total()
    top = counts.most_common(TOP)
    shares = [count / total for _, count in top]
    rest = (total - sum(count for _, count in top)) / total
    return ColumnProfile(name, len(values), len(values) - total, [*shares, rest], [text for text, _ in top])


def _of_numbers(name: str, values: NDArray[np.float64]) -> ColumnProfile | None:
    there = values[np.isfinite(values)]
    if not there.size:
        return None
    edges = np.unique(np.quantile(there, np.linspace(0, 1, BINS + 1)[1:-1], method="lower"))
    counts = np.bincount(np.searchsorted(edges, there), minlength=len(edges) + 1)
    return ColumnProfile(
        name,
        len(values),
        int(np.isnan(values).sum()),
        (counts / there.size).tolist(),
        edges=edges.tolist(),
        least=float(there.min()),
        largest=float(there.max()),
        mean=float(there.mean()),
        stddev=float(there.std()),
    )
