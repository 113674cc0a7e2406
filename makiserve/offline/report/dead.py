"""Figures of dead letters: counts, reasons and examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from makiserve.offline.report.plot.chart import BOTTOM, TOP, chart
from makiserve.offline.report.section import Figure, ReportSection, ReportTable, Size, wide
from makiserve.offline.sampled import Example

ROW = 26.0


def dead_letters(reasons: Mapping[str, int], examples: Sequence[Example], records: int) -> ReportSection | None:
    """Return the dead letters by reason; None if there are none."""
    if not reasons:
        return None
    total = sum(reasons.values())
    rows = [
        (f"{example.source}@{example.offset}", example.reason, example.error, example.record or "")
        for example in examples
    ]
    table = ReportTable(("record", "reason", "error", "error"), rows, codes=frozenset({0, 3}))
    caption = f"{total:,} of {records:,} records could not be scored ({total / max(records, 1):.2%})."
    return ReportSection("dead-letters", "Dead letters", caption, [_bars(reasons)], [table])


def _bars(reasons: Mapping[str, int]) -> Figure:
    most = sorted(reasons.items(), key=lambda entry: -entry[1])

    def draw(size: Size) -> Markup:
        plot = chart((size[0], TOP + BOTTOM + ROW * len(most)), (0, most[0][1] * 1.15), (0, len(most)),
                     "dead letters by reason", names=("records", ""), left=92.0, margins=(0, 0))  # fmt: skip
        for place, (reason, count) in enumerate(most):
            row = len(most) - place
            plot.text(0, row - 0.5, reason, "left label", dx=-8)
            plot.bar(0, count, row - 0.82, row - 0.18, "bad", f"{reason}: {count:,}")
            plot.text(count, row - 0.5, f"{count:,}", "label", dx=6)
        return plot.svg(x_ticks=4, y_ticks=0)

    return wide("By reason", "", draw)
