"""Totals: everything that a worker counts since its start, and that is summed over workers.

A new counter is a field here, a line in `metrics.py`, and the place that counts it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec

from makiserve.monitoring.histogram import BATCH_RECORDS, LATENCY_S, Histogram, empty


class Totals(msgspec.Struct):
    """What a worker has committed since its start.

    Attributes:
        records: records scored.
        outputs: outputs written.
        dead: the number of dead letters by reason.
        dropped_headers: the number of headers that were not passed on because their name is not UTF-8.
        commits: transactions committed.
        aborts: transactions aborted.
        rebalances: times that partitions were assigned or revoked.
        switches: switches to another version of the model.
        batch: records per batch.
        stages: seconds per batch, by stage.
        latency: seconds from a record's timestamp to the commit that made its outputs visible.
    """

    records: int = 0
    outputs: int = 0
    dead: dict[str, int] = msgspec.field(default_factory=dict)
    dropped_headers: int = 0
    commits: int = 0
    aborts: int = 0
    rebalances: int = 0
    switches: int = 0
    batch: Histogram = msgspec.field(default_factory=partial(empty, BATCH_RECORDS))
    stages: dict[str, Histogram] = msgspec.field(default_factory=dict)
    latency: Histogram = msgspec.field(default_factory=partial(empty, LATENCY_S))

    def __add__(self, other: Totals) -> Totals:
        """Return the totals of both."""
        return Totals(*(_sum(getattr(self, name), getattr(other, name)) for name in self.__struct_fields__))


def _sum(left: Any, right: Any) -> Any:
    if not isinstance(left, dict):
        return left + right
    return left | {key: _sum(left[key], value) if key in left else value for key, value in right.items()}
