"""A pipeline with state for each of many keys."""

from __future__ import annotations

import makiserve
import makiserve.stream as rs


class Sale(makiserve.Record):
    """A sale of a shop."""

    shop: int
    amount: float


WINDOW = 5


def features() -> makiserve.Transform:
    """Emit statistics of the last five sales of a shop, from its fifth sale on."""
    statistics = rs.ops.tee_map(
        rs.math.max(lambda i: i.amount, reduce=True),
        rs.math.mean(lambda i: i.amount, reduce=True),
        rs.math.stddev(lambda i: i.amount, reduce=True),
    )
    return rs.ops.group_by(lambda i: i.shop, rs.data.roll(WINDOW, 1, statistics))
