"""makiserve emits what RxSci emits if RxSci is right, inside its store and on a plain Observable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import rx
import rxsci

import makiserve.stream as rs
from tests.loops import loop_over

NUMBERS = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8]

STORED: dict[str, Callable[[Any], Any]] = {
    "starmap": lambda lib: rx.pipe(lib.ops.map(lambda i: (i, 2)), lib.ops.starmap(lambda a, b: a * b)),
    "identity": lambda lib: lib.ops.identity(),
    "flat_map": lambda lib: rx.pipe(lib.ops.map(range), lib.ops.flat_map()),
    "take": lambda lib: lib.ops.take(3),
    "take nothing": lambda lib: lib.ops.take(0),
    "take in groups": lambda lib: lib.ops.group_by(lambda i: i % 2, lib.ops.take(2)),
    "distinct": lambda lib: lib.ops.distinct(),
    "distinct by key": lambda lib: lib.ops.distinct(lambda i: i % 4),
    "distinct in windows": lambda lib: lib.data.roll(4, 4, lib.ops.distinct(lambda i: i % 2)),
    "distinct_until_changed": lambda lib: lib.ops.distinct_until_changed(lambda i: i > 4),
    "start_with": lambda lib: lib.ops.start_with([0, 10]),
    "start_with in windows": lambda lib: lib.data.roll(4, 4, lib.ops.start_with([0])),
    "assert_": lambda lib: lib.ops.assert_(lambda i: i > 0),  # noqa: PT009  the operator
    "assert_1": lambda lib: lib.ops.assert_1(lambda previous, i: previous + i > 0),
    "filter": lambda lib: lib.ops.filter(lambda i: i > 4),
    "count": lambda lib: lib.ops.count(),
    "count in groups": lambda lib: lib.ops.group_by(lambda i: i % 3, lib.ops.count(reduce=True)),
    "first and last": lambda lib: lib.data.roll(4, 4, lib.ops.tee_map(lib.ops.first(), lib.ops.last())),
    "scan": lambda lib: lib.ops.scan(lambda total, i: total + i, 0, terminator=lambda total: -total),
    "merge": lambda lib: lib.ops.tee_map(lib.ops.filter(lambda i: i > 4), lib.ops.count(), join="merge"),
    "combine_latest": lambda lib: lib.ops.tee_map(
        lib.ops.filter(lambda i: i > 4), lib.ops.count(), join="combine_latest"
    ),
}
PLAIN = ["starmap", "identity", "flat_map", "take", "take nothing", "distinct_until_changed", "assert_", "assert_1"]


def seen(stream: rx.Observable) -> list[Any]:
    """The items, and how the stream ended."""
    notifications: list[Any] = []
    stream.subscribe(
        notifications.append, lambda error: notifications.append(type(error)), lambda: notifications.append("done")
    )
    return notifications


@loop_over("items", [NUMBERS, []], ids=["numbers", "nothing"])
@loop_over("make", STORED.values(), ids=STORED.keys())
def test_inside_a_store_items_are_rxscis(make: Callable[[Any], Any], items: list[int]) -> None:
    ours, theirs = (seen(rx.from_(items).pipe(lib.state.with_memory_store(rx.pipe(make(lib))))) for lib in (rs, rxsci))
    assert ours == theirs


@loop_over("items", [NUMBERS, []], ids=["numbers", "nothing"])
@loop_over("name", PLAIN)
def test_on_a_plain_observable_items_are_rxscis(name: str, items: list[int]) -> None:
    ours, theirs = (seen(rx.from_(items).pipe(STORED[name](lib))) for lib in (rs, rxsci))
    assert ours == theirs


@pytest.mark.parametrize(
    "make",
    [
        lambda lib: lib.ops.assert_(lambda i: i != 4, name="no four", error=KeyError),  # noqa: PT009  the operator
        lambda lib: lib.ops.assert_1(lambda previous, i: previous < i),
        lambda lib: lib.ops.map(lambda i: 1 / (i - 4)),
    ],
    ids=["assert_", "assert_1", "map"],
)
def test_a_failure_ends_a_plain_observable_where_it_ends_rxscis(make: Callable[[Any], Any]) -> None:
    ours, theirs = (seen(rx.from_(NUMBERS).pipe(make(lib))) for lib in (rs, rxsci))
    assert ours == theirs
    assert isinstance(ours[-1], type)


def test_the_others_latest_items_are_rxscis() -> None:
    ours, theirs = (
        seen(rx.from_(NUMBERS).pipe(lib.ops.with_latest_from(rx.of("a", "b"), rx.of("c")))) for lib in (rs, rxsci)
    )
    assert ours == theirs
    assert ours[0] == (3, "b", "c")


@pytest.mark.parametrize("columns", [None, ["a"]])
def test_frames_are_rxscis(columns: list[str] | None) -> None:
    frame = rs.run(rs.ops.from_iterable(NUMBERS).pipe(rs.ops.map(lambda i: (i,)), rs.ops.to_pandas(["x"])))
    ours, theirs = (rs.run(lib.ops.from_pandas(frame).pipe(lib.ops.to_pandas(columns))) for lib in (rs, rxsci))
    assert ours.equals(theirs)
    assert rs.run(rx.empty().pipe(rs.ops.to_pandas())) is None
