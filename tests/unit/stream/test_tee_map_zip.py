"""A zip of branches that do not emit for the same items is refused; `zip_longest` gives None for those that do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import rx

import makiserve.stream as rs
from makiserve.errors import PipelineError
from makiserve.stream.engine.trace import trace
from tests.loops import loop_over
from tests.unit.stream.feed import emitted

Make = Callable[[], Any]

KNOWN = rs.ops.filter(lambda i: i % 2)
UNEVEN: dict[str, Make] = {
    "filter": lambda: [rs.ops.filter(lambda i: i % 2)],
    "filter, then a mean": lambda: [rs.ops.filter(lambda i: i % 2), rs.math.mean()],
    "filter after a map": lambda: [rs.ops.map(abs), rs.ops.filter(lambda i: i % 2)],
    "a filter of rx": lambda: [rx.operators.filter(lambda i: i % 2)],
    "distinct": lambda: [rs.ops.distinct()],
    "distinct_until_changed": lambda: [rs.ops.distinct_until_changed()],
    "take": lambda: [rs.ops.take(2)],
    "first": lambda: [rs.ops.first()],
    "last": lambda: [rs.ops.last()],
    "pairwise": lambda: [rs.ops.pairwise()],
    "batch": lambda: [rs.data.batch(2)],
    "start_with": lambda: [rs.ops.start_with([0])],
    "pad_start": lambda: [rs.data.pad_start(1)],
    "flat_map": lambda: [rs.ops.map(range), rs.ops.flat_map()],
    "roll": lambda: [rs.data.roll(4, 2, [rs.math.mean(reduce=True)])],
    "roll with stride 1": lambda: [rs.data.roll(4, 1, [rs.math.mean(reduce=True)])],
    "error.ignore": lambda: [rs.ops.map(lambda i: 1 / i), rs.error.ignore()],
    "a router": lambda: [rs.ops.map(lambda i: 1 / i), rs.error.create_error_router()[1]()],
    "sum(reduce=True)": lambda: [rs.math.sum(reduce=True)],
    "a scan with an end": lambda: [rs.ops.scan(lambda a, i: a + i, 0, terminator=lambda a: -a)],
    "filter in a group": lambda: [rs.ops.group_by(lambda i: i, [rs.ops.filter(lambda i: i % 2)])],
    "a nested filter": lambda: [rs.ops.tee_map([rs.ops.filter(lambda i: i % 2)])],
    "a nested merge": lambda: [rs.ops.tee_map(rs.ops.count(), rs.ops.count(), join="merge")],
    "a nested zip_longest": lambda: [rs.ops.tee_map(rs.ops.count(), KNOWN, join="zip_longest")],
    "a nested combine_latest": lambda: [rs.ops.tee_map(rs.ops.count(), rs.ops.count(), join="combine_latest")],
}


@loop_over("make", UNEVEN.values(), ids=UNEVEN.keys())
def test_a_zip_refuses_a_branch_that_emits_for_other_items(make: Make) -> None:
    for branches in ((rs.ops.identity(), make()), (make(), rs.ops.count()), (rs.ops.count(), rs.ops.count(), make())):
        with pytest.raises(PipelineError, match=r"branches 0 \(.*zip_longest"):
            rs.ops.tee_map(*branches)


PAIRS: dict[str, tuple[Make, Make]] = {
    "two predicates": (lambda: rs.ops.filter(lambda i: i > 1), lambda: rs.ops.filter(lambda i: i > 2)),
    "one predicate on two values": (lambda: rx.pipe(rs.ops.map(abs), KNOWN), lambda: rx.pipe(rs.ops.map(hash), KNOWN)),
    "two strides": (
        lambda: rs.data.roll(4, 2, [rs.ops.last()]),
        lambda: rs.data.roll(4, 4, [rs.ops.last()]),
    ),
    "two windows": (lambda: rs.data.roll(4, 1, [rs.ops.last()]), lambda: rs.data.roll(2, 1, [rs.ops.last()])),
    "running and reduced": (lambda: rs.data.roll(4, 1, [rs.ops.last()]), lambda: rs.data.roll(4, 1, [rs.ops.count()])),
    "the first and the last of a window": (
        lambda: rs.data.roll(4, 2, [rs.ops.first()]),
        lambda: rs.data.roll(4, 2, [rs.ops.last()]),
    ),
    "last of what a filter leaves": (lambda: rx.pipe(KNOWN, rs.ops.last()), lambda: rs.ops.count(reduce=True)),
}


@loop_over(("left", "right"), PAIRS.values(), ids=PAIRS.keys())
def test_a_zip_refuses_branches_with_different_rhythms(left: Make, right: Make) -> None:
    with pytest.raises(PipelineError, match="do not emit for the same items"):
        rs.ops.tee_map(left(), right())


ITEMS = [3, 1, 4, 1, 5, 9, 2, 6]
EVEN: dict[str, tuple[Make, list[Any]]] = {
    "one shared filter": (
        lambda: rs.ops.tee_map(rx.pipe(KNOWN, rs.ops.map(str)), rx.pipe(KNOWN, rs.math.max())),
        [("3", 3), ("1", 3), ("1", 3), ("5", 5), ("9", 9)],
    ),
    "maps of rx": (
        lambda: rs.ops.tee_map(rx.operators.map(str), rs.ops.count()),
        [(str(i), n) for n, i in enumerate(ITEMS, 1)],
    ),
    "an error that becomes an item": (
        lambda: rs.ops.tee_map(rs.ops.identity(), [rs.ops.map(lambda i: 1 // (i - 1)), rs.error.map(lambda _: None)]),
        [(i, 1 // (i - 1) if i > 1 else None) for i in ITEMS],
    ),
    "watched errors": (
        lambda: rs.ops.tee_map(rs.ops.do_action(on_error=lambda _: None), rs.ops.count()),
        [(i, n) for n, i in enumerate(ITEMS, 1)],
    ),
    "windows that are alike": (
        lambda: rs.ops.tee_map(rs.data.roll(4, 2, [rs.ops.last()]), rs.data.roll(4, 2, [rs.math.max(reduce=True)])),
        [(1, 4), (9, 9), (6, 9), (6, 6)],
    ),
    "running windows that are alike": (
        lambda: rs.ops.tee_map(rs.data.roll(2, 1, [rs.ops.count()]), rs.data.roll(2, 1, [rs.math.max()])),
        [
            (1, 3),
            (2, 3),
            (1, 1),
            (2, 4),
            (1, 4),
            (2, 4),
            (1, 1),
            (2, 5),
            (1, 5),
            (2, 9),
            (1, 9),
            (2, 9),
            (1, 2),
            (2, 6),
            (1, 6),
        ],
    ),
    "one shared flat_map": (
        lambda: rx.pipe(rs.ops.map(lambda i: [i] * (i % 3)), _twice(rs.ops.flat_map())),
        [(i, i) for i in ITEMS for _ in range(i % 3)],
    ),
    "a filter before reductions": (
        lambda: rs.data.roll(4, 4, rs.ops.tee_map([KNOWN, rs.math.sum(reduce=True)], rs.ops.count(reduce=True))),
        [(5, 4), (14, 4)],
    ),
    "the first and the last in one window": (
        lambda: rs.data.roll(4, 4, rs.ops.tee_map(rs.ops.first(), rs.ops.last(), rs.ops.count(reduce=True))),
        [(3, 1, 4), (5, 6, 4)],
    ),
    "a nested zip": (
        lambda: rs.ops.tee_map(rs.ops.tee_map(rs.ops.count(), rs.math.max()), rs.ops.identity()),
        [((n, max(ITEMS[:n])), i) for n, i in enumerate(ITEMS, 1)],
    ),
}


def _twice(shared: Any) -> Any:
    return rs.ops.tee_map(shared, shared)


@loop_over(("make", "rows"), EVEN.values(), ids=EVEN.keys())
def test_a_zip_pairs_what_belongs_together(make: Make, rows: list[Any]) -> None:
    seen: list[Any] = []
    rx.from_(ITEMS).pipe(make()).subscribe(seen.append).dispose()
    assert seen == emitted(make(), ITEMS) == rows


@pytest.mark.parametrize(("make", "remedy"), [(rs.ops.last, "tail"), (rs.ops.first, "head")])
def test_a_zip_that_refuses_a_filtered_last_names_what_always_emits(make: Make, remedy: str) -> None:
    branch = [rs.ops.filter(lambda i: i > 1), rs.ops.map(str)]
    with pytest.raises(
        PipelineError, match=rf"emits nothing without items, rs.data.{remedy}\(1, reduce=True\) an empty"
    ):
        rs.ops.tee_map(rs.ops.count(reduce=True), rx.pipe(*branch, make()))
    always = getattr(rs.data, remedy)(1, reduce=True)
    both = rs.ops.tee_map(rs.ops.count(reduce=True), rx.pipe(*branch, always))
    assert [emitted(both, items) for items in ([1], [1, 2])] == [[(1, ())], [(2, ("2",))]]
    with pytest.raises(PipelineError) as running:
        rs.ops.tee_map(rs.ops.count(), rx.pipe(*branch, make()))
    assert remedy not in str(running.value)


def test_zip_longest_gives_none_for_a_branch_that_emits_nothing() -> None:
    rows = [{"a": 1, "b": 10}, {"a": 2, "b": None}, {"a": None, "b": 30}, {"a": None, "b": None}, {"a": 4, "b": 40}]

    def branch(field: str) -> Any:
        return rx.pipe(rs.ops.map(lambda row: row[field]), rs.ops.filter(lambda value: value is not None))

    joined = rs.ops.tee_map(branch("a"), branch("b"), join="zip_longest")
    assert emitted(joined, rows) == [(1, 10), (2, None), (None, 30), (4, 40)]
    with_row = rs.ops.tee_map(rs.ops.count(), branch("a"), branch("b"), join="zip_longest")
    assert emitted(with_row, rows) == [(1, 1, 10), (2, 2, None), (3, None, 30), (4, None, None), (5, 4, 40)]


def test_zip_longest_pairs_several_values_of_an_item_in_order() -> None:
    several = [rs.ops.map(range), rs.ops.flat_map()]
    joined = rs.ops.tee_map(rs.ops.identity(), several, join="zip_longest")
    assert emitted(joined, [2, 0, 3]) == [(2, 0), (None, 1), (0, None), (3, 0), (None, 1), (None, 2)]


def test_a_failed_item_leaves_nothing_in_zip_longest() -> None:
    failing = rs.ops.map(lambda i: 1 // i)
    joined = rx.pipe(rs.ops.tee_map(rs.math.sum(), failing, join="zip_longest"), rs.error.map(lambda _: "failed"))
    one_to_one = emitted(joined, [1, 0, 2])
    joined = rx.pipe(
        rs.ops.tee_map([KNOWN, rs.math.sum()], failing, join="zip_longest"), rs.error.map(lambda _: "failed")
    )
    assert one_to_one == [(1, 1), "failed", (3, 0)]
    assert emitted(joined, [1, 0, 3]) == [(1, 1), "failed", (4, 0)]


def test_a_factory_with_an_uneven_zip_is_refused_when_it_is_traced() -> None:
    with pytest.raises(PipelineError, match=r"branches 0 \(identity\) and 1 \(map > filter > ewm_mean"):
        trace([rs.ops.tee_map(rs.ops.identity(), [rs.ops.map(abs), KNOWN, rs.math.ewm_mean(alpha=0.5)])])
