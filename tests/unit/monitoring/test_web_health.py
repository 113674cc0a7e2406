"""The answers to probes."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest

from makiserve.monitoring.health import SPARE, STALLED, STARTING, Verdict, health, readiness
from makiserve.monitoring.snapshot import GroupPartition
from tests.unit.monitoring.example import lane, life, snapshot

BOUND = STALLED.total_seconds()


def ready(wall_s: float = 2000.0, **other: Any) -> Verdict:
    now = time.monotonic()
    return readiness(snapshot(**other), now, now, wall_s)


def test_service_whose_loops_run_is_healthy() -> None:
    assert health(snapshot(workers=(life("worker 0", 1.0), life("worker 1", BOUND - 5))), 0.0, time.monotonic()).is_good


def test_one_stalled_loop_makes_the_service_unhealthy() -> None:
    verdict = health(snapshot(workers=(life("worker 0"), life("worker 1", BOUND + 5))), 0.0, time.monotonic())
    assert verdict == Verdict(False, "worker 1 is stalled: no iteration of its loop for 125 s (limit 120 s)")


def test_start_has_a_longer_timeout_than_the_loop() -> None:
    bound = STARTING.total_seconds()
    assert health(None, 0.0, bound - 1) == Verdict(True, "starting for 299 s")
    assert not health(None, 0.0, bound + 1).is_good


def test_restored_partitions_are_ready() -> None:
    assert ready() == Verdict(True, "serving 2 partitions")


def test_a_partition_that_restores_is_not() -> None:
    verdict = ready(lanes=(lane(0), lane(1, "restoring", restored=0.25)))
    assert verdict == Verdict(False, "1 of 2 partitions are not restored yet, the first: house[1], restoring, 25%")


@pytest.mark.parametrize(
    ("after_s", "is_good"), [(SPARE.total_seconds() - 1, False), (SPARE.total_seconds() + 1, True)]
)
def test_a_worker_without_a_partition_becomes_a_spare(after_s: float, is_good: bool) -> None:
    assert ready(1000.0 + after_s, lanes=(), workers=(life(started_s=1000.0),)).is_good is is_good


def test_unhealthy_or_starting_service_is_not_ready() -> None:
    now = time.monotonic()
    assert not ready(workers=(life("worker 0", BOUND + 5),)).is_good
    assert readiness(None, now, now, 2000.0) == Verdict(False, "starting for 0 s")


def test_not_ready_while_a_partition_has_no_owner() -> None:
    group = (GroupPartition("house", 0, 10), GroupPartition("house", 1, 90, unowned_s=96.0))
    reason = "1 of 2 partitions of the group have no owner, the first: house[1], for 96 s"
    assert ready(group=group) == Verdict(False, reason)
    assert ready(group=group, lanes=(), workers=(life(started_s=0.0),)) == Verdict(False, reason)


# A start of more than two minutes was reported as stalled, like a loop that hangs, and its probe killed it.
# A startup probe did not help: it reads the same page, which was healthy at first, so the probe passed at once.

SLOW = timedelta(minutes=4)


def test_a_slow_start_is_not_killed() -> None:
    assert health(None, 0.0, SLOW.total_seconds()).is_good
