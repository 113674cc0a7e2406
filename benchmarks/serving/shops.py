"""A pipeline with state for each of many keys."""

from __future__ import annotations

import rx

import makiserve
import makiserve.stream as rs


class Sale(makiserve.Record):
    """A sale of a shop."""

    shop: int
    amount: float


def features() -> makiserve.Transform:
    """Emit statistics of all sales of a shop, and its last five sales."""
    statistics = rs.ops.tee_map(
        rs.math.mean(lambda i: i.amount),
        rs.math.stddev(lambda i: i.amount),
        rs.ops.scan(lambda last, i: (*last[-4:], i.amount), ()),
    )
    return rx.pipe(rs.ops.group_by(lambda i: i.shop, statistics), rs.ops.map(lambda i: i[0]))
