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
        predictions=_last([each for part in parts for each in part.predictions]),
        dead_letters=_last([each for part in parts for each in part.dead_letters]),
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
    found = {(each.topic, each.partition): each for part in oldest_first for each in part.group}
    return tuple(found[place] for place in sorted(found))


def _state(sizes: Iterable[StateSize]) -> Iterable[StateSize]:
    found: dict[str, StateSize] = {}
    for size in sizes:
        known = found.get(size.operator, StateSize(size.operator, 0, 0))
        found[size.operator] = StateSize(size.operator, known.keys + size.keys, known.size_bytes + size.size_bytes)
    return found.values()


def _last(items: list[Any]) -> tuple[Any, ...]:
    return tuple(sorted(items, key=lambda item: item.time_ms)[-SHOWN:])


def _drift(parts: Sequence[Snapshot]) -> Iterable[ShownDrift]:
    """Return the largest drift of each feature over all workers. A mean would hide drift in one partition."""
    found: dict[str, ShownDrift] = {}
    for part in parts:
        for each in part.drift:
            if each.feature not in found or each.psi > found[each.feature].psi:
                found[each.feature] = each
    return found.values()
