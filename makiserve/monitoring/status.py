"""/status.json: the data of the status page."""

from __future__ import annotations

import time

import msgspec

from makiserve.monitoring.board import Board, Point
from makiserve.monitoring.health import Verdict
from makiserve.monitoring.histogram import LATENCY_S
from makiserve.monitoring.snapshot import Snapshot
from makiserve.monitoring.totals import Totals


class Status(msgspec.Struct, frozen=True):
    """The data that the page receives at every poll.

    Attributes:
        health: the verdict of /healthz.
        readiness: the verdict of /readyz.
        commit_age_s: the time since the last commit of the worker that committed least recently; None before the first
            report.
        p50_s: the median latency since the start, at most `latency_bound_s`.
        p99_s: the 99th percentile of the latency since the start, at most `latency_bound_s`.
        latency_bound_s: the last bound of the latency histogram. Longer latencies are only counted, so a quantile that
            is equal to the bound lies beyond it.
        stages_s: the mean time of a batch in each stage.
        batch: the mean number of records per batch.
        now: the latest snapshot; None while the service starts.
        past: the last ten minutes.
    """

    health: Verdict
    readiness: Verdict
    commit_age_s: float | None
    p50_s: float | None
    p99_s: float | None
    latency_bound_s: float
    stages_s: dict[str, float]
    batch: float | None
    now: Snapshot | None
    past: list[Point]


def status(board: Board) -> bytes:
    """Return the board as JSON."""
    now, clock = board.latest, time.monotonic()
    workers = now.workers if now else ()
    totals = now.totals if now else Totals()
    response = Status(
        health=board.health(),
        readiness=board.readiness(),
        commit_age_s=max((clock - worker.committed_s for worker in workers), default=None),
        p50_s=totals.latency.quantile(0.5),
        p99_s=totals.latency.quantile(0.99),
        latency_bound_s=LATENCY_S[-1],
        stages_s={name: stage.total / stage.count for name, stage in totals.stages.items() if stage.count},
        batch=totals.batch.total / totals.batch.count if totals.batch.count else None,
        now=now,
        past=board.past,
    )
    return msgspec.json.encode(response)
