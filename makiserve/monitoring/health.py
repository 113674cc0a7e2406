"""Health and readiness of the service, with the reason, for probes."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from makiserve.monitoring.snapshot import Snapshot

STALLED = timedelta(minutes=2)
"""The maximum time for one iteration of a loop: longer than any batch and any call to the broker."""

STARTING = timedelta(minutes=5)
"""The maximum time for a start: fetch a large model, score its reference records, wait for a broker."""

SPARE = timedelta(minutes=1)
"""The time after which a worker without partitions counts as a spare."""


class Verdict(msgspec.Struct, frozen=True):
    """The result of a check, with a one-line reason."""

    is_good: bool
    reason: str


def health(snapshot: Snapshot | None, born_s: float, now_s: float) -> Verdict:
    """Return whether every worker's loop is running, or still has time to start.

    Args:
        snapshot: the latest one; None while the service starts.
        born_s: when the process started, on the monotonic clock.
        now_s: the current time, on the same clock.
    """
    if snapshot is None:
        age = now_s - born_s
        return Verdict(age <= STARTING.total_seconds(), f"starting for {age:.0f} s")
    bound = STALLED.total_seconds()
    for worker in snapshot.workers:
        if (age := now_s - worker.iterated_s) > bound:
            return Verdict(
                False, f"{worker.name} is stalled: no iteration of its loop for {age:.0f} s (limit {bound:.0f} s)"
            )
    return Verdict(True, "ok")


def readiness(snapshot: Snapshot | None, born_s: float, now_s: float, wall_s: float) -> Verdict:
    """Return whether records that arrive now are scored.

    They are if the group's partitions have owners and those of this service are restored.

    Args:
        snapshot: the latest one; None while the service starts.
        born_s: when the process started, on the monotonic clock.
        now_s: the current time, on the same clock.
        wall_s: the current time, in seconds since 1970.
    """
    alive = health(snapshot, born_s, now_s)
    if not alive.is_good or snapshot is None:
        return Verdict(False, alive.reason)
    waiting = [lane for lane in snapshot.lanes if lane.phase != "running"]
    if waiting:
        first = waiting[0]
        return Verdict(
            False,
            f"{len(waiting)} of {len(snapshot.lanes)} partitions are not restored yet, the first: "
            f"{first.topic}[{first.partition}], {first.phase}, {first.restored:.0%}",
        )
    if unowned := [partition for partition in snapshot.group if partition.unowned_s]:
        return Verdict(
            False,
            f"{len(unowned)} of {len(snapshot.group)} partitions of the group have no owner, the first: "
            f"{unowned[0].topic}[{unowned[0].partition}], for {unowned[0].unowned_s:.0f} s",
        )
    if snapshot.lanes:
        return Verdict(True, f"serving {len(snapshot.lanes)} partitions")
    youngest = max(worker.started_s for worker in snapshot.workers)
    if wall_s - youngest < SPARE.total_seconds():
        return Verdict(False, "no partition assigned yet")
    return Verdict(True, "spare: no partition assigned")
