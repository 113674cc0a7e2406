"""Examples of the operators on items."""

from __future__ import annotations

from typing import Any

import msgspec
import rx

import makiserve.stream as rs
from tests.unit.stream.cases.case import Cases, Point


class Last(msgspec.Struct, frozen=True):
    """The last item, and those before it."""

    item: int | None
    earlier: tuple[int | None, ...] = ()


CASES: Cases = {
    "ops.map": [lambda: rs.ops.map(lambda i: i * 2)],
    "ops.filter": [lambda: rs.ops.filter(lambda i: i % 2)],
    "ops.count": [
        lambda: rs.ops.count(),
        lambda: rs.ops.count(reduce=True),
        lambda: rx.pipe(rs.ops.map(lambda i: i if i % 3 else None), rs.ops.count(skip_missing=True)),
    ],
    "ops.first": [lambda: rs.ops.first()],
    "ops.last": [lambda: rs.ops.last()],
    "ops.scan": [
        lambda: rs.ops.scan(lambda a, i: a + i / 2, 0),
        lambda: rs.ops.scan(lambda a, i: a + i, 0, reduce=True),
        lambda: rs.ops.scan(lambda a, i: [*a, i], list),
        lambda: rs.ops.scan(lambda a, i: a.append(i) or a, [], reduce=True, terminator=sum),
        lambda: rs.ops.scan(lambda a, i: Point(i, a.x), Point(0, 0), terminator=lambda a: a),
        lambda: rs.ops.scan(lambda a, i: Last(i, (a.item, *a.earlier[:2])), Last(None), reduce=True),
        lambda: rs.ops.scan(lambda a, i: Last(i, (a.item, *a.earlier[:2])), Last(None)),
    ],
    "ops.group_by": [
        lambda: rs.ops.group_by(lambda i: i % 3, [rs.math.sum()]),
        lambda: rs.ops.group_by(lambda i: Point(i % 2, 0), [rs.data.roll(2, 1, [rs.math.sum(reduce=True)])]),
        lambda: rs.ops.group_by(lambda i: i % 2, [rs.ops.group_by(lambda i: i % 3, [rs.ops.count()])]),
        lambda: rs.ops.group_by(
            lambda i: i % 2,
            rs.ops.tee_map(
                rs.ops.group_by(lambda i: i % 3, [rs.math.sum()]),
                rs.ops.group_by(lambda i: i % 2, [rs.ops.group_by(str, [rs.data.lag()])]),
            ),
        ),
        lambda: rs.ops.group_by(lambda i: i % 3, [rs.math.sum()], ttl="1ms", time_mapper=lambda i: i),
        lambda: rs.ops.group_by(
            lambda i: i % 2,
            [rs.ops.group_by(lambda i: i % 3, [rs.ops.count(reduce=True)], ttl="2ms", time_mapper=lambda i: i)],
            ttl="3ms",
            time_mapper=lambda i: i,
        ),
        lambda: _completing(3, [rs.math.sum(reduce=True)]),
        lambda: _completing(2, [_completing(3, rs.ops.tee_map(rs.ops.first(), rs.ops.count(reduce=True)))], ttl="2ms"),
        lambda: rx.pipe(_completing(3, [rs.ops.count(), rs.ops.last()]), _completing(2, [rs.data.to_list()])),
    ],
    "ops.tee_map": [
        lambda: rs.ops.tee_map(rs.ops.count(), rs.math.sum()),
        lambda: rs.ops.tee_map(rs.ops.filter(lambda i: i != 1), rs.ops.map(lambda i: i * 10), join="zip_longest"),
        lambda: rs.ops.tee_map(
            rx.pipe(rs.ops.map(range), rs.ops.flat_map(), rs.math.sum()),
            rs.data.roll(3, 2, [rs.ops.count()]),
            join="zip_longest",
        ),
        lambda: rs.ops.tee_map(rs.data.roll(3, 1, [rs.math.sum()]), rs.data.roll(3, 1, [rs.math.max()])),
        lambda: rs.ops.tee_map(
            rs.data.roll(3, 2, [rs.math.sum(reduce=True)]),
            rs.data.roll(3, 2, [rs.ops.last()]),
            rs.data.roll(3, 2, [rs.data.to_list()]),
        ),
        lambda: rs.ops.tee_map(rs.data.to_list(), rs.ops.first(), rs.ops.count(reduce=True)),
        lambda: rs.ops.tee_map(rs.ops.filter(lambda i: i > 2), rs.math.max(), join="merge"),
        lambda: rs.ops.tee_map(rs.ops.filter(lambda i: i > 2), rs.math.min(), join="combine_latest"),
        lambda: rs.ops.tee_map(rs.ops.last(), rs.ops.first(), rs.math.mean(reduce=True)),
    ],
    "ops.starmap": [lambda: rx.pipe(rs.ops.map(lambda i: (i, i + 1)), rs.ops.starmap(lambda a, b: a * b))],
    "ops.identity": [lambda: rs.ops.identity()],
    "ops.flat_map": [
        lambda: rx.pipe(rs.ops.map(lambda i: [i] * (i % 3)), rs.ops.flat_map()),
        lambda: rx.pipe(rs.ops.map(range), rs.ops.flat_map(), rs.math.sum()),
        lambda: rx.pipe(rs.ops.map(range), rs.ops.flat_map(), rs.math.sum(reduce=True)),
    ],
    "ops.take": [lambda: rs.ops.take(3), lambda: rs.ops.take(0), lambda: rx.pipe(rs.ops.take(5), rs.math.sum())],
    "ops.distinct": [lambda: rs.ops.distinct(), lambda: rs.ops.distinct(lambda i: Point(i % 3, 0))],
    "ops.distinct_until_changed": [
        lambda: rs.ops.distinct_until_changed(),
        lambda: rs.ops.distinct_until_changed(lambda i: i > 4 or None),
    ],
    "ops.start_with": [
        lambda: rs.ops.start_with([7, 8]),
        lambda: rs.ops.start_with([]),
        lambda: rx.pipe(rs.ops.start_with([7, 8]), rs.math.sum()),
    ],
    "ops.pairwise": [lambda: rs.ops.pairwise()],
    "ops.do_action": [
        lambda: rs.ops.do_action(lambda i: None, on_completed=lambda: None),
        lambda: rs.ops.do_action(on_create=lambda: None),
        lambda: rx.pipe(rs.math.sum(), rs.ops.do_action(on_error=lambda error: None)),
    ],
    "ops.assert_": [lambda: rs.ops.assert_(lambda i: i)],  # noqa: PT009  the operator
    "ops.assert_1": [lambda: rs.ops.assert_1(lambda previous, i: previous + i)],
    "ops.progress": [lambda: rs.ops.progress("test", 5)],
    "ops.to_pandas": [
        lambda: rx.pipe(rs.ops.to_pandas(["x"]), rs.ops.map(lambda frame: frame.to_csv())),
        lambda: rx.pipe(
            rs.ops.map(lambda i: Point(i, -i)), rs.ops.to_pandas(), rs.ops.map(lambda frame: frame.to_csv())
        ),
    ],
    "ops.multiplex": [lambda: rs.ops.multiplex([rs.math.sum()])],
}


def _completing(modulus: int, inner: Any, ttl: str = "1ms") -> Any:
    return rs.ops.group_by(lambda i: i % modulus, inner, ttl=ttl, time_mapper=lambda i: i, idle="complete")
