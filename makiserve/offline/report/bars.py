"""Sections with a bar for each name: metrics by group, dead letters by reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite

from markupsafe import Markup

from makiserve.offline.metrics.quality import GroupMetrics, Metrics
from makiserve.offline.report.elements import Figure, ReportSection, ReportTable, Size, wide
from makiserve.offline.report.plot.chart import BOTTOM, TOP, chart
from makiserve.offline.report.plot.scale import amount
from makiserve.offline.sampled import Example

MAX_BARS = 14
GROUP_ROW = 22.0


def groups(metrics: Metrics) -> ReportSection | None:
    """Return bars of the first metric for each field, and a table of all metrics; None without groups."""
    fields = list(dict.fromkeys(group.by for group in metrics.groups))
    if not fields:
        return None
    figures, tables = [], []
    for by in fields:
        group_metrics = [group for group in metrics.groups if group.by == by]
        figures.append(_group_bars(by, group_metrics, metrics))
        tables.append(_group_table(by, group_metrics))
    return ReportSection("groups", "By group", "The largest groups first.", figures, tables)


def _group_bars(by: str, group_metrics: list[GroupMetrics], metrics: Metrics) -> Figure:
    name, overall = next(iter(metrics.figures.items()))
    shown = group_metrics[:MAX_BARS]
    values = [group.figures[name] for group in shown]

    def draw(size: Size) -> Markup:
        height = TOP + BOTTOM + GROUP_ROW * len(shown)
        top = max([value for value in (*values, overall) if isfinite(value)], default=0.0)
        plot = chart((size[0], height), (0, top * 1.02), (0, len(shown)), f"{name} by {by}", names=(name, ""),
                     left=112.0, margins=(0, 0))  # fmt: skip
        for place, (group, value) in enumerate(zip(shown, values, strict=True)):
            row = len(shown) - place
            word = _word(group)
            plot.text(0, row - 0.5, word if len(word) <= 16 else word[:15] + "…", "left label", dx=-8)
            if isfinite(value):
                plot.bar(0, value, row - 0.82, row - 0.18, "model", f"{word}: {amount(value)}, {group.rows:,} rows")
        if isfinite(overall):
            plot.line((overall, overall), (0, len(shown)), "other", is_dashed=True)
        return plot.svg(x_ticks=4, y_ticks=0)

    return wide(f"{name} by {by}", "", draw, ("model", "the group"), ("other", f"all: {amount(overall)}"))


def _group_table(by: str, group_metrics: list[GroupMetrics]) -> ReportTable:
    names = list(group_metrics[0].figures)
    rows = [
        [_word(group), f"{group.rows:,}", *(amount(group.figures[name]) for name in names)] for group in group_metrics
    ]
    return ReportTable((by, "rows", *names), rows, frozenset(range(1, len(names) + 2)), summary=f"All figures by {by}")


def _word(group: GroupMetrics) -> str:
    return "all smaller groups" if group.value is None else group.value


REASON_ROW = 26.0


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
    return ReportSection("dead-letters", "Dead letters", caption, [_reason_bars(reasons)], [table])


def _reason_bars(reasons: Mapping[str, int]) -> Figure:
    most = sorted(reasons.items(), key=lambda entry: -entry[1])

    def draw(size: Size) -> Markup:
        plot = chart((size[0], TOP + BOTTOM + REASON_ROW * len(most)), (0, most[0][1] * 1.15), (0, len(most)),
                     "dead letters by reason", names=("records", ""), left=92.0, margins=(0, 0))  # fmt: skip
        for place, (reason, count) in enumerate(most):
            row = len(most) - place
            plot.text(0, row - 0.5, reason, "left label", dx=-8)
            plot.bar(0, count, row - 0.82, row - 0.18, "bad", f"{reason}: {count:,}")
            plot.text(count, row - 0.5, f"{count:,}", "label", dx=6)
        return plot.svg(x_ticks=4, y_ticks=0)

    return wide("By reason", "", draw)
