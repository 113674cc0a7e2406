"""The differences between the outputs of two replays, column by column, matched by source position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pandas as pd

from makiserve.errors import ConfigurationError
from makiserve.offline.metrics.observed import Array, missing
from makiserve.scoring.comparison import TOLERANCE

NUMBER = "makiserve number"
"""The column with the number of an output among those of its position. No field of an output has this name."""
PLACE = ["source", "offset", NUMBER]
IDENTITY = {*PLACE, "key"}
"""Columns that identify an output and are not compared."""
QUANTILES = (0.5, 0.9, 0.99)
SHOWN = 10


class ColumnDifference(NamedTuple):
    """The differences in a column, over the outputs that both sides have.

    Attributes:
        name: of the column.
        differing: number of outputs whose values differ by more than the tolerance.
        largest: the maximum absolute difference of numbers; nan if the column holds other values.
        quantiles: 50th, 90th and 99th percentile of the absolute differences; empty if the column holds other values.
        differences: float64[n], actual minus expected; empty if the column holds other values.
    """

    name: str
    differing: int
    largest: float
    quantiles: tuple[float, ...]
    differences: Array


class Mismatch(NamedTuple):
    """An output that differs between the sides. A side is None if it does not have the output."""

    source: str
    offset: int
    expected: dict[str, Any] | None
    actual: dict[str, Any] | None


@dataclass(frozen=True)
class Differences:
    """The result of comparing two replays.

    Attributes:
        against: name of the expected side: a file, or a model.
        tolerance: relative, as given.
        matched: number of outputs that both sides have.
        missing: number of outputs that only the expected side has.
        unexpected: number of outputs that only the actual side has.
        columns: the columns that both sides have, in order.
        first: the first outputs that differ, in the order of the sources.
    """

    against: str
    tolerance: float
    matched: int
    missing: int
    unexpected: int
    columns: tuple[ColumnDifference, ...]
    first: tuple[Mismatch, ...]

    @property
    def agree(self) -> bool:
        """Return whether both sides are the same within the tolerance."""
        return not (self.missing or self.unexpected or any(column.differing for column in self.columns))


def differences(
    expected: pd.DataFrame, actual: pd.DataFrame, *, against: str, tolerance: float = TOLERANCE
) -> Differences:
    """Compare the outputs that have the same source and offset. Several outputs of a record are compared in order.

    Args:
        expected: with the columns source and offset, and the columns to compare.
        actual: with the same columns. If each side has a single source, the names of the sources may differ.
        against: a name for the expected side.
        tolerance: relative, for numbers.

    Raises:
        ConfigurationError: a side has no position, or the sides have no column in common.
    """
    left, right = _placed(expected, against), _placed(actual, "the replay")
    if left["source"].nunique() == right["source"].nunique() == 1:
        left["source"] = right["source"].iloc[0]
    names = [name for name in right.columns if name in left.columns and name not in IDENTITY]
    if not names:
        raise ConfigurationError(
            f"{against} lacks columns of this replay, such as {', '.join(right.columns[3:])}, so there is nothing to "
            "compare: both need the same kind of output (--emit)"
        )
    titles = [*PLACE, *(f"{index}" for index in range(len(names)))]  # a field may have the name that pandas adds
    merged = (
        left[PLACE + names]
        .set_axis(titles, axis=1)
        .merge(
            right[PLACE + names].set_axis(titles, axis=1),
            "outer",
            PLACE,
            suffixes=("_x", "_y"),
            indicator=True,
            sort=False,
        )
    )
    both = (merged["_merge"] == "both").to_numpy()
    columns, differs = [], ~both
    for index, name in enumerate(names):
        column, beyond = _column(name, merged.loc[both, f"{index}_x"], merged.loc[both, f"{index}_y"], tolerance)
        columns.append(column)
        differs[np.flatnonzero(both)[beyond]] = True
    sides = merged["_merge"]
    return Differences(
        against=against,
        tolerance=tolerance,
        matched=int(both.sum()),
        missing=int((sides == "left_only").sum()),
        unexpected=int((sides == "right_only").sum()),
        columns=tuple(columns),
        first=_first(merged[differs], names, right),
    )


def _placed(frame: pd.DataFrame, what: str) -> pd.DataFrame:
    """Add the number of each output among those of its position."""
    if absent := {"source", "offset"} - set(frame.columns):
        raise ConfigurationError(
            f"{what} lacks {' and '.join(sorted(absent))}, which identify an output: compare with a "
            "file that makiserve has written"
        )
    frame = frame.assign(source=frame["source"].astype(str))
    numbers = frame.groupby(["source", "offset"], sort=False).cumcount()
    others = [name for name in frame.columns if name not in ("source", "offset")]
    return frame.assign(**{NUMBER: numbers})[[*PLACE, *others]]


def _column(
    name: str, expected: pd.Series[Any], actual: pd.Series[Any], tolerance: float
) -> tuple[ColumnDifference, Array]:
    left, right = (side.to_numpy() for side in (expected, actual))
    if not (_is_numeric(left) and _is_numeric(right)):
        beyond = np.array([_text(a) != _text(b) for a, b in zip(left, right, strict=True)], bool)
        return ColumnDifference(name, int(beyond.sum()), float("nan"), (), np.empty(0)), beyond
    left, right = left.astype(float), right.astype(float)
    near = np.abs(right - left) <= tolerance * np.maximum(np.abs(left), np.abs(right))
    beyond = ~(near | (left == right) | (np.isnan(left) & np.isnan(right)))
    deltas = right - left
    deltas = deltas[np.isfinite(deltas)]
    if not deltas.size:
        return ColumnDifference(name, int(beyond.sum()), float("nan"), (), np.empty(0)), beyond
    sizes = np.abs(deltas)
    quantiles = tuple(float(value) for value in np.quantile(sizes, QUANTILES))
    return ColumnDifference(name, int(beyond.sum()), float(sizes.max()), quantiles, deltas), beyond


def _first(differing: pd.DataFrame, names: Sequence[str], order: pd.DataFrame) -> tuple[Mismatch, ...]:
    """Return the first outputs that differ, in the order of the replay's sources and by ascending offset."""
    places = {source: place for place, source in enumerate(order["source"].unique())}
    differing = differing.assign(_place=differing["source"].map(places).fillna(len(places)))
    mismatches = []
    for row in differing.sort_values(["_place", *PLACE]).head(SHOWN).to_dict("records"):
        sides = [
            None if row["_merge"] == absent else {name: row[f"{index}{end}"] for index, name in enumerate(names)}
            for end, absent in (("_x", "right_only"), ("_y", "left_only"))
        ]
        mismatches.append(Mismatch(str(row["source"]), int(row["offset"]), *sides))
    return tuple(mismatches)


def _is_numeric(values: Array) -> bool:
    if values.dtype.kind in "fiub":
        return True
    return all(isinstance(value, int | float) for value in values[~missing(values)].tolist())


def _text(value: Any) -> str:
    """Return a value as text, as in an output file; a missing value is empty."""
    if value is None or value != value:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode()
