"""Write docs/reference/metrics.md from the declared metrics: `make docs`. A test compares them."""

from __future__ import annotations

from pathlib import Path

from makiserve.monitoring.metrics import METRICS, Metric

PAGE = Path(__file__).parent / "reference" / "metrics.md"

HEAD = """# Metrics

The metrics that `/metrics` exports, in the text format of Prometheus. Generated from `makiserve/monitoring/metrics.py`.
[Observe a service](../how-to/observe.md) explains what to watch and what to do.

Counters count committed work: a record that was scored twice because its first transaction was aborted counts once.
They begin at 0 with the process. If a supervisor restarts a worker, they keep their values.
"""


def page() -> str:
    """Return the page."""
    return "\n".join([HEAD, *map(section, METRICS)])


def section(metric: Metric) -> str:
    """Return the section of a metric."""
    labels = f" · by {', '.join(f'`{label}`' for label in metric.labels)}" if metric.labels else ""
    return f"### {metric.name}\n\n{metric.kind}{labels}\n\n{metric.help}\n"


if __name__ == "__main__":
    PAGE.write_text(page())
