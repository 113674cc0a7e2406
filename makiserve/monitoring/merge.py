"""Merging the snapshots of several workers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import add, attrgetter
from typing import Any

import msgspec

from makiserve.monitoring.snapshot import GroupPartition, ShownDrift, Snapshot, StateSize
from makiserve.monitoring.totals import Totals

SHOWN = 20
"""The number of recent predictions and dead letters to keep."""


def merged(parts: Sequence[Snapshot]) -> Snapshot:
    """Return the snapshot of a service of one or more workers. `served` comes from the first."""
    if len(parts) == 1:
        return parts[0]
    return Snapshot(
        time_s=max(part.time_s for part in parts),
        served=parts[0].served,
        workers=tuple(sorted((worker for part in parts for worker in part.workers), key=attrgetter("name"))),
        lanes=tuple(sorted((lane for part in parts for lane in part.lanes), key=attrgetter("topic", "partition"))),
        totals=reduce(add, (part.totals for part in parts)),
        state=tuple(_state(size for part in parts for size in part.state)),
        predictions=_last([prediction for part in parts for prediction in part.predictions]),
        dead_letters=_last([dead_letter for part in parts for dead_letter in part.dead_letters]),
        drift=tuple(_drift(parts)),
        group=_group(parts),
    )


def ended(part: Snapshot) -> Snapshot:
    """Return the snapshot of a worker that has ended: what it did, without its status, partitions and state."""
    return msgspec.structs.replace(part, workers=(), lanes=(), state=(), drift=(), group=())


def first_stage(part: Snapshot) -> Snapshot:
    """Return the snapshot of a worker of an earlier stage. Only records that become dead letters there are counted."""
    nothing = Totals()
    totals = msgspec.structs.replace(
        part.totals,
        records=sum(part.totals.dead.values()),
        outputs=0,
        batch=nothing.batch,
        stages={},
        latency=nothing.latency,
    )
    return msgspec.structs.replace(part, totals=totals, state=(), predictions=(), drift=())


def _group(parts: Sequence[Snapshot]) -> tuple[GroupPartition, ...]:
    """Return the latest view of each partition. All workers of a stage look at the same group."""
    oldest_first = sorted(parts, key=attrgetter("time_s"))
    latest = {(partition.topic, partition.partition): partition for part in oldest_first for partition in part.group}
    return tuple(latest[place] for place in sorted(latest))


def _state(sizes: Iterable[StateSize]) -> Iterable[StateSize]:
    by_operator: dict[str, StateSize] = {}
    for size in sizes:
        operator = size.operator
        total = by_operator.get(operator, StateSize(operator, 0, 0))
        by_operator[operator] = StateSize(operator, total.keys + size.keys, total.size_bytes + size.size_bytes)
    return by_operator.values()


def _last(items: list[Any]) -> tuple[Any, ...]:
    return tuple(sorted(items, key=lambda item: item.time_ms)[-SHOWN:])


def _drift(parts: Sequence[Snapshot]) -> Iterable[ShownDrift]:
    """Return the largest drift of each feature over all workers. A mean would hide drift in one partition."""
    largest: dict[str, ShownDrift] = {}
    for part in parts:
        for drift in part.drift:
            if drift.feature not in largest or drift.psi > largest[drift.feature].psi:
                largest[drift.feature] = drift
    return largest.values()
