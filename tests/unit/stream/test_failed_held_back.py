"""Results of windows that an operator holds back: if a function after it fails, the window is gone, as without it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import rx

import makiserve.stream as rs
from tests.unit.stream.test_failed_rolls import LISTED_INVERSES
from tests.unit.stream.test_failed_rolls import fed as fed_rolls
from tests.unit.stream.test_failed_windows import (
    ALL,
    COUNT,
    NUMBERS,
    Item,
    assert_first_window_is_gone,
    fed,
    not_of_two,
)


def routed() -> Any:
    errors, route = rs.error.create_error_router()
    errors.subscribe(lambda error: None)
    return route()


HOLDING: dict[str, Callable[[Any], Any]] = {
    "ignore": lambda windows: rx.pipe(windows, rs.error.ignore()),
    "map": lambda windows: rx.pipe(windows, rs.error.map(repr)),
    "route": lambda windows: rx.pipe(windows, routed()),
    "two": lambda windows: rx.pipe(windows, rs.error.ignore(), rs.ops.map(lambda n: n), rs.error.ignore()),
    "on_error": lambda windows: rx.pipe(windows, rs.ops.do_action(on_error=lambda error: None)),
    "zip_longest": lambda windows: rx.pipe(
        rs.ops.tee_map(rs.ops.filter(lambda _: False), windows, join="zip_longest"), rs.ops.map(lambda row: row[1])
    ),
}


@pytest.mark.parametrize("is_grouped", [False, True])
@pytest.mark.parametrize("hold", HOLDING.values(), ids=HOLDING)
@pytest.mark.parametrize("windows", ALL)
def test_window_is_gone_if_a_function_after_the_held_result_fails(windows: Any, hold: Any, *, is_grouped: bool) -> None:
    assert_first_window_is_gone(rx.pipe(hold(windows), not_of_two()), is_grouped=is_grouped)


def test_groups_are_held_back_as_the_windows_inside_them() -> None:
    """The window inside the group is what fails, at the item that completes it."""
    grouped = rs.ops.group_by(lambda _: "key", rs.data.roll_time("10ms", "10ms", lambda i: i, COUNT))
    outputs, ((at, message),) = fed(rx.pipe(grouped, rs.error.ignore(), not_of_two()), NUMBERS)
    assert (at, outputs) == (2, [(4, -1), (5, -1)])
    assert "when the window from 0 ms to 10 ms completed. The window is removed" in message


def test_idle_group_is_gone_if_a_function_after_the_held_result_fails() -> None:
    groups = rs.ops.group_by(lambda i: i.is_fatal, COUNT, ttl="10ms", time_mapper=lambda i: i.time, idle="complete")
    items = [Item(1), Item(2), Item(40, is_fatal=True), Item(41, is_fatal=True)]
    outputs, ((at, message),) = fed(rx.pipe(groups, rs.error.ignore(), not_of_two()), items, Item)
    assert (at, outputs) == (2, [])
    assert "when the idle group of key False completed. The group is removed" in message


def test_several_windows_in_one_row_are_all_removed() -> None:
    windows = [rs.data.roll_time(f"{span}ms", f"{span}ms", lambda i: i, COUNT) for span in (5, 10)]
    rows = rs.ops.tee_map(*windows, join="zip_longest")
    inverse = rs.ops.map(lambda row: 1 // ((row[0] or 0) - 2))
    outputs, failures = fed(rx.pipe(rows, inverse), [1, 2, 20, 25, 40])
    assert [at for at, _ in failures] == [2]
    assert outputs == [(4, -1)]


def test_roll_before_a_caught_error_is_removed_at_the_second_failure() -> None:
    rolls = rx.pipe(rs.data.roll(3, 3, [rs.data.to_list()]), rs.error.ignore(), *LISTED_INVERSES[1:])
    outputs, failures = fed_rolls(rolls, [1, 0, 2, 3, 4, 1, 2, 3])
    assert [at for at, _ in failures] == [2, 3]
    assert outputs == [(7, 22)]
    caught = rx.pipe(rs.data.roll(3, 3, LISTED_INVERSES), rs.error.map(lambda error: "caught"))
    assert fed_rolls(caught, [1, 0, 2, 3, 4, 1, 2, 3]) == ([(2, "caught"), (3, "caught"), (7, 22)], [])


def test_windows_of_time_of_zipped_branches_are_removed_one_after_the_other() -> None:
    """The branches share the operator, and must emit together: no result is paired with that of another window."""
    windows = rs.data.roll_time("10ms", "10ms", lambda i: i, COUNT)
    outputs, failures = fed(rs.ops.tee_map(rx.pipe(windows, not_of_two()), windows), [1, 2, 20, 40, 60, 80])
    assert outputs == [(5, (-1, 1))]
    assert [at for at, _ in failures] == [2, 3]
    assert "a branch emits fewer items than another one" in failures[1][1]
    assert failures[1][1].endswith("The window is removed without output")
