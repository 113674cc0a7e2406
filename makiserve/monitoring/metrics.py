"""The metrics. Each is declared once, with its unit and meaning, for Prometheus and docs/reference/metrics.md."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Literal, NamedTuple

from makiserve.monitoring.snapshot import Snapshot

Labelled = Iterable[tuple[tuple[str, ...], Any]]


class Metric(NamedTuple):
    """A declared metric.

    Attributes:
        name: the name with its unit, as Prometheus recommends.
        kind: the Prometheus type.
        help: its meaning in one sentence.
        labels: the names of the labels.
        values: returns the label values and the number or histogram of each series in a snapshot.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    values: Callable[[Snapshot], Labelled]
    labels: tuple[str, ...] = ()


def _single(value: Any) -> Labelled:
    return [((), value)]


def _served(snapshot: Snapshot) -> Labelled:
    served = snapshot.served
    names = (served.uri, served.name, served.version, served.digest, served.makiserve, served.input, served.output)
    return [(names, 1)]


def _phases(snapshot: Snapshot) -> Labelled:
    counts = Counter(lane.phase for lane in snapshot.lanes)
    return [((phase,), counts[phase]) for phase in sorted({"running", "restoring"} | counts.keys())]


def _since(name: str) -> Callable[[Snapshot], Labelled]:
    def values(snapshot: Snapshot) -> Labelled:
        now = time.monotonic()
        return [((worker.name,), now - getattr(worker, name)) for worker in snapshot.workers]

    return values


def _lanes(value: Callable[[Any], Any]) -> Callable[[Snapshot], Labelled]:
    def values(snapshot: Snapshot) -> Labelled:
        samples = [((lane.topic, str(lane.partition)), value(lane)) for lane in snapshot.lanes]
        return [(labels, number) for labels, number in samples if number is not None]

    return values


METRICS = (
    Metric(
        "makiserve_model_info",
        "gauge",
        "The served model and pipeline, as labels; always 1.",
        _served,
        ("uri", "model", "version", "digest", "makiserve", "input", "output"),
    ),
    Metric("makiserve_records_total", "counter", "Records scored and committed.", lambda s: _single(s.totals.records)),
    Metric("makiserve_outputs_total", "counter", "Outputs committed.", lambda s: _single(s.totals.outputs)),
    Metric(
        "makiserve_dead_letters_total",
        "counter",
        "Records committed as dead letters, by the reason in their makiserve.reason header.",
        lambda s: [((reason,), count) for reason, count in sorted(s.totals.dead.items())],
        ("reason",),
    ),
    Metric(
        "makiserve_dropped_headers_total",
        "counter",
        "Record headers that were dropped because their names are not UTF-8.",
        lambda s: _single(s.totals.dropped_headers),
    ),
    Metric("makiserve_commits_total", "counter", "Transactions committed.", lambda s: _single(s.totals.commits)),
    Metric(
        "makiserve_aborts_total",
        "counter",
        "Transactions aborted. Their records are scored again.",
        lambda s: _single(s.totals.aborts),
    ),
    Metric(
        "makiserve_rebalances_total",
        "counter",
        "Times that partitions were assigned to a worker or revoked from it.",
        lambda s: _single(s.totals.rebalances),
    ),
    Metric(
        "makiserve_model_switches_total",
        "counter",
        "Times that the service switched to another version of the model.",
        lambda s: _single(s.totals.switches),
    ),
    Metric("makiserve_batch_records", "histogram", "Records per batch.", lambda s: _single(s.totals.batch)),
    Metric(
        "makiserve_stage_seconds",
        "histogram",
        "Time per batch, by stage: decode, features, predict, publish; and per commit.",
        lambda s: [((name,), histogram) for name, histogram in s.totals.stages.items() if histogram.count],
        ("stage",),
    ),
    Metric(
        "makiserve_latency_seconds",
        "histogram",
        "Time from a record's timestamp to the commit that makes its outputs visible, for a sample of the records.",
        lambda s: _single(s.totals.latency),
    ),
    Metric(
        "makiserve_commit_age_seconds",
        "gauge",
        "Time since a worker's last commit. It also grows on an idle topic.",
        _since("committed_s"),
        ("worker",),
    ),
    Metric(
        "makiserve_loop_age_seconds",
        "gauge",
        "Time since the last iteration of a worker's loop. /healthz fails if it is too long.",
        _since("iterated_s"),
        ("worker",),
    ),
    Metric(
        "makiserve_start_time_seconds",
        "gauge",
        "Start time of a worker, in seconds since 1970.",
        lambda s: [((worker.name,), worker.started_s) for worker in s.workers],
        ("worker",),
    ),
    Metric(
        "makiserve_memory_bytes",
        "gauge",
        "Resident memory of a worker's process.",
        lambda s: [((worker.name,), worker.memory_bytes) for worker in s.workers if worker.memory_bytes],
        ("worker",),
    ),
    Metric("makiserve_partitions", "gauge", "Assigned partitions, by phase.", _phases, ("phase",)),
    Metric(
        "makiserve_committed_offset",
        "gauge",
        "The offset up to which the outputs of an input partition are visible.",
        _lanes(lambda lane: lane.committed),
        ("topic", "partition"),
    ),
    Metric(
        "makiserve_lag_records",
        "gauge",
        "Records of an input partition that are not committed yet.",
        _lanes(lambda lane: lane.lag_records),
        ("topic", "partition"),
    ),
    Metric(
        "makiserve_lag_seconds",
        "gauge",
        "An upper bound of the age of the oldest record of an input partition that is not committed, since its "
        "arrival or since the assignment of the partition, whichever is later.",
        _lanes(lambda lane: lane.lag_s),
        ("topic", "partition"),
    ),
    Metric(
        "makiserve_group_lag_records",
        "gauge",
        "Records of an input partition that the group has not committed, whichever instance owns the partition. "
        "Every instance exports all partitions.",
        lambda s: [((p.topic, str(p.partition)), p.lag_records) for p in s.group if p.lag_records is not None],
        ("topic", "partition"),
    ),
    Metric(
        "makiserve_unowned_seconds",
        "gauge",
        "Time for which no instance of the group has owned an input partition; 0 if one does, or did within the "
        "session timeout.",
        lambda s: [((p.topic, str(p.partition)), p.unowned_s) for p in s.group],
        ("topic", "partition"),
    ),
    Metric(
        "makiserve_restored_ratio",
        "gauge",
        "The fraction of a partition's restore that is done, 0 to 1.",
        _lanes(lambda lane: lane.restored),
        ("topic", "partition"),
    ),
    Metric(
        "makiserve_state_bytes",
        "gauge",
        "Size of the state of an operator of the pipeline, over all partitions, in bytes of a checkpoint.",
        lambda s: [((size.operator,), size.size_bytes) for size in s.state],
        ("operator",),
    ),
    Metric(
        "makiserve_state_keys",
        "gauge",
        "Groups that a group_by keeps, over all partitions.",
        lambda s: [((size.operator,), size.keys) for size in s.state if size.keys],
        ("operator",),
    ),
    Metric(
        "makiserve_drift_psi",
        "gauge",
        "Population stability index of a feature against the training data, over a sample of the last 30 to 60 "
        "minutes. From 0.1 on, the distribution has shifted; from 0.25 on, it is a different one.",
        lambda s: [((drift.feature,), drift.psi) for drift in s.drift],
        ("feature",),
    ),
    Metric(
        "makiserve_drift_missing_ratio",
        "gauge",
        "The fraction of a feature's values that are missing.",
        lambda s: [((drift.feature,), drift.missing) for drift in s.drift],
        ("feature",),
    ),
    Metric(
        "makiserve_drift_beyond_ratio",
        "gauge",
        "The fraction of a feature's values that are outside the range, or not among the categories, of the "
        "training data.",
        lambda s: [((drift.feature,), drift.beyond) for drift in s.drift],
        ("feature",),
    ),
)
