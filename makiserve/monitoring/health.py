"""Whether the service is alive, and whether it is ready: what a probe is told, and why."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from makiserve.monitoring.snapshot import Snapshot

STALLED = timedelta(minutes=2)
"""How long a loop may take for one turn: longer than any batch and any call to the broker."""

STARTING = timedelta(minutes=5)
"""How long a start may take: a large model is fetched, its reference records are scored, a broker is waited for."""

SPARE = timedelta(minutes=1)
"""After how long a worker to which the group has given no partition counts as a spare."""


class Verdict(msgspec.Struct, frozen=True):
    """Yes or no, and a line that says why."""

    is_good: bool
    reason: str


def health(snapshot: Snapshot | None, born_s: float, now_s: float) -> Verdict:
    """Whether every loop moves, or has time to begin.

    Args:
        snapshot: the latest; None while the service starts.
        born_s: when the process began, on the monotonic clock.
        now_s: now, on the same clock.
    """
    if snapshot is None:
        age = now_s - born_s
        return Verdict(age <= STARTING.total_seconds(), f"starting for {age:.0f} s")
    bound = STALLED.total_seconds()
    for life in snapshot.workers:
        if (age := now_s - life.turned_s) > bound:
            return Verdict(False, f"the loop of {life.name} has not turned for {age:.0f} s: more than {bound:.0f} s")
    return Verdict(True, "the loop turns")


def readiness(snapshot: Snapshot | None, born_s: float, now_s: float, wall_s: float) -> Verdict:
    """Whether records that come now are scored: the group's partitions have owners, and those here are restored.

    Args:
        snapshot: the latest; None while the service starts.
        born_s: when the process began, on the monotonic clock.
        now_s: now, on the same clock.
        wall_s: now, in seconds since 1970.
    """
    alive = health(snapshot, born_s, now_s)
    if not alive.is_good or snapshot is None:
        return Verdict(False, alive.reason)
    waiting = [lane for lane in snapshot.lanes if lane.phase != "running"]
    if waiting:
        first = waiting[0]
        return Verdict(
            False,
            f"{len(waiting)} of {len(snapshot.lanes)} partitions are not restored, the first: "
            f"{first.topic}[{first.partition}], {first.phase}, {first.restored:.0%}",
        )
    if unowned := [each for each in snapshot.group if each.unowned_s]:
        return Verdict(
            False,
            f"{len(unowned)} of {len(snapshot.group)} partitions have no owner in the group, the first: "
            f"{unowned[0].topic}[{unowned[0].partition}], for {unowned[0].unowned_s:.0f} s",
        )
    if snapshot.lanes:
        return Verdict(True, f"{len(snapshot.lanes)} partitions are served")
    youngest = max(life.started_s for life in snapshot.workers)
    if wall_s - youngest < SPARE.total_seconds():
        return Verdict(False, "the group has given no partition yet")
    return Verdict(True, "a spare: the group has given no partition")
