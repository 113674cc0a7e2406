"""Figures of a comparison: the size of the differences, and the first outputs that differ."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from markupsafe import Markup

from makiserve.offline.differences import ColumnDifference, Differences
from makiserve.offline.report.elements import Figure, ReportSection, ReportTable, Size, half, wide
from makiserve.offline.report.plot.chart import chart
from makiserve.offline.report.plot.scale import amount

BARS = 49  # an odd number: the middle one is around 0
MAX_FIGURES = 6


def comparison(differences: Differences | None) -> ReportSection | None:
    """Return the differences of two replays; None if nothing was compared."""
    if differences is None:
        return None
    word = "the same" if differences.agree else "different"
    caption = (
        f"Compared with {differences.against}: {word}, with a relative tolerance of {differences.tolerance:g}. "
        f"{differences.matched:,} outputs matched, {differences.missing:,} missing, "
        f"{differences.unexpected:,} unexpected."
    )
    differing = [column for column in differences.columns if column.differing and column.differences.size]
    figures = [_histogram(column, wide if len(differing) == 1 else half) for column in differing[:MAX_FIGURES]]
    tables = [_columns(differences.columns)]
    if differences.first:
        rows = [
            (f"{mismatch.source}@{mismatch.offset}", _values(mismatch.expected), _values(mismatch.actual))
            for mismatch in differences.first
        ]
        tables.append(
            ReportTable(("first differences", differences.against, "this replay"), rows, codes=frozenset({0, 1, 2}))
        )
    return ReportSection("comparison", "Comparison", caption, figures, tables)


def _histogram(column: ColumnDifference, figure: Callable[..., Figure]) -> Figure:
    differences = column.differences[np.isfinite(column.differences)]
    reach = float(np.abs(differences).max(initial=0.0)) or 1.0
    edges = np.linspace(-reach, reach, BARS + 1)
    shares = np.histogram(differences, edges)[0] / len(column.differences) * 100

    def draw(size: Size) -> Markup:
        plot = chart(size, (-reach, reach), (0, float(shares.max())), f"differences of {column.name}",
                     names=("this replay minus the other", "% of outputs"), margins=(0, 0))  # fmt: skip
        for left, right, share in zip(edges[:-1], edges[1:], shares, strict=True):
            plot.bar(left, right, 0, share, "other", f"{share:.2f} % from {amount(left)} to {amount(right)}")
        return plot.svg()

    return figure(
        f"Differences of {column.name}",
        f"{column.differing:,} differ; the largest difference is {amount(column.largest)}.",
        draw,
    )


def _columns(columns: tuple[ColumnDifference, ...]) -> ReportTable:
    heads = ("column", "differ", "largest", "50 % within", "90 % within", "99 % within")
    rows = [
        (
            column.name,
            f"{column.differing:,}",
            amount(column.largest),
            *(map(amount, column.quantiles or (float("nan"),) * 3)),
        )
        for column in columns
    ]
    return ReportTable(heads, rows, frozenset(range(1, 6)))


def _values(values: dict[str, Any] | None) -> str:
    if values is None:
        return "none"
    return str(*values.values()) if len(values) == 1 else ", ".join(f"{name} {value}" for name, value in values.items())
