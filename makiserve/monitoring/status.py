"""/status.json: what the status page shows."""

from __future__ import annotations

import time

import msgspec

from makiserve.monitoring.board import Board, Point
from makiserve.monitoring.health import Verdict
from makiserve.monitoring.histogram import LATENCY_S
from makiserve.monitoring.snapshot import Snapshot


class Status(msgspec.Struct, frozen=True):
    """What the page gets at every poll.

    Attributes:
        health: and `readiness`, as the probes see them.
        commit_age_s: of the worker whose last commit is longest ago; None before there is one.
        p50_s: of the latency since the start; likewise `p99_s`. Both are at most `latency_bound_s`.
        latency_bound_s: longer latencies are only counted: a quantile that is equal to it is beyond it.
        stages_s: the mean time of a batch in each stage.
        batch: the mean number of records a batch.
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
    """The board as JSON."""
    now, clock = board.latest, time.monotonic()
    lives = now.workers if now else ()
    found = Status(
        health=board.health(),
        readiness=board.readiness(),
        commit_age_s=max((clock - life.committed_s for life in lives), default=None),
        p50_s=now.latency.quantile(0.5) if now else None,
        p99_s=now.latency.quantile(0.99) if now else None,
        latency_bound_s=LATENCY_S[-1],
        stages_s={name: each.total / each.count for name, each in now.stages.items() if each.count} if now else {},
        batch=now.batch.total / now.batch.count if now and now.batch.count else None,
        now=now,
        past=board.past,
    )
    return msgspec.json.encode(found)
