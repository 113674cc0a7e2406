"""A pipeline that remembers something of each of many keys."""

from __future__ import annotations

import rx

import makiserve
import makiserve.stream as rs


class Sale(makiserve.Record):
    """What a shop sold."""

    shop: int
    amount: float


def features() -> makiserve.Transform:
    """Of each shop the last five sales and all of them."""
    of_shop = rs.ops.tee_map(
        rs.math.mean(lambda i: i.amount),
        rs.math.stddev(lambda i: i.amount),
        rs.ops.scan(lambda last, i: (*last[-4:], i.amount), ()),
    )
    return rx.pipe(rs.ops.group_by(lambda i: i.shop, of_shop), rs.ops.map(lambda i: i[0]))
