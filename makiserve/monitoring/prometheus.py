"""/metrics: the snapshot in Prometheus' text format. The only home of prometheus_client."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from makiserve.monitoring.board import Board
from makiserve.monitoring.histogram import Histogram
from makiserve.monitoring.metrics import METRICS
from makiserve.monitoring.snapshot import Snapshot

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class BoardCollector(Collector):
    """A collector of a board's metrics. It yields none before the first snapshot."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def collect(self) -> Iterator[Metric]:
        snapshot = self._board.latest
        if snapshot is not None:
            yield from families(snapshot)


def families(snapshot: Snapshot) -> Iterator[Metric]:
    """Yield each declared metric with its values from a snapshot."""
    for metric in METRICS:
        family: CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily
        if metric.kind == "histogram":
            family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
            for labels, histogram in metric.values(snapshot):
                family.add_metric(labels, buckets(histogram), histogram.total)
        else:
            make = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
            family = make(metric.name, metric.help, labels=metric.labels)
            for labels, value in metric.values(snapshot):
                family.add_metric(labels, value)
        yield family


def buckets(histogram: Histogram) -> list[tuple[str, float]]:
    """Return the upper bounds and cumulative counts. The last bound is +Inf."""
    cumulative, total = [], 0
    for bound, count in zip((*map(str, histogram.bounds), "+Inf"), histogram.counts, strict=True):
        total += count
        cumulative.append((bound, float(total)))
    return cumulative


def exposition(board: Board) -> bytes:
    """Return the text of /metrics."""
    registry = CollectorRegistry()
    registry.register(BoardCollector(board))
    return generate_latest(registry)
