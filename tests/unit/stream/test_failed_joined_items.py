"""Held items in branches, groups, windows and before caught errors: what fails with them is dropped there, too."""

from __future__ import annotations

from typing import Any

import pytest
import rx

import makiserve.stream as rs
from makiserve.stream.columns.engine_choice import program_for
from makiserve.stream.columns.program import ColumnProgram
from makiserve.stream.columns.row_copy import NO_SMALL
from makiserve.stream.engine.trace import trace
from tests.unit.stream.test_failed_held_items import FIRST_FAILURE, RATIO, SECOND_FAILURE, failed_at, fed_to_both
from tests.unit.stream.test_failed_rolls import LISTED_INVERSES, fed

LAST = rs.ops.map(lambda pair: pair[1])
HEAD: Any = rx.pipe(rs.ops.map(lambda row: row[0]), RATIO)
ITEMS = [1, 2, 0, 3, 4, 5, 10, 20, 40]


@pytest.mark.parametrize("join", ["zip", "zip_longest"])
@pytest.mark.parametrize("make", [rs.data.lag, rs.ops.pairwise])
def test_rows_pair_values_of_one_item(make: Any, join: Any) -> None:
    """Each branch has what it holds. If the branches must emit together, they come into step again."""
    pairs = make()
    rows = rs.ops.tee_map(rx.pipe(pairs, RATIO, rs.ops.map(lambda _: None)), rx.pipe(pairs, LAST), join=join)
    outputs, failures = fed_to_both(rows, ITEMS)
    assert len(failures) <= 4
    assert failed_at(failures)[:2] == [3, 4]
    assert outputs[-1] == (8, (None, 40))
    assert all(ITEMS[at] == row[1] for at, row in outputs if row)


def test_zipped_branches_that_are_out_of_step_fail_two_records_with_their_held_items() -> None:
    """No row is emitted until all branches begin again: two records for the cause, two for the other branch."""
    pairs = rs.ops.pairwise()
    outputs, failures = fed_to_both(rs.ops.tee_map(rx.pipe(pairs, RATIO), rx.pipe(pairs, LAST)), ITEMS)
    assert failed_at(failures) == [3, 4, 5, 6]
    assert outputs[2:] == [(8, (2.0, 40))]
    assert "a branch emits fewer items than another one" in failures[2][1]
    assert failures[3][1].endswith(SECOND_FAILURE.format("pairwise"))


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_zipped_branches_that_filter_pairs_come_into_step(depth: int) -> None:
    """The branch that still holds the item emits nothing, and the other one emits."""
    pairs = rx.pipe(rs.data.lag(), rs.ops.filter(lambda pair: pair[0] == pair[1] or pair[1] % 2 == 1))
    for _ in range(depth):
        pairs = rs.ops.group_by(lambda _: "key", pairs)
    rows = rs.ops.tee_map(rx.pipe(pairs, RATIO), rx.pipe(pairs))
    outputs, failures = fed_to_both(rows, [1, 2, 0, 3, 5, 4, 6, 8, 2, 3])
    assert failed_at(failures) == [3, 4, 5, 6]
    assert outputs == [(0, (1.0, (1, 1))), (7, (1.0, (8, 8))), (9, (1.5, (2, 3)))]


def test_group_of_zipped_branches_moves_to_the_row_engine() -> None:
    pairs = rs.ops.pairwise()
    zipped = rs.ops.tee_map(rx.pipe(pairs, RATIO), rx.pipe(pairs, LAST))
    plan = trace(rs.ops.group_by(lambda i: i % 2, zipped))
    program: Any = program_for(plan)
    assert isinstance(program, ColumnProgram)
    program = ColumnProgram(plan, program.compiled, program.rows, NO_SMALL)
    state = program.new_state()
    fed = program.feed([2, 0, 4, 6, 8, 10, 12, 24, 1, 3], state)
    assert [at for at, _ in fed.failures] == [2, 3, 4, 5]
    assert list(fed.outputs) == [(0.0, 0), (2.0, 24), (3.0, 3)]
    assert state.tables[1].is_foreign.any()


@pytest.mark.parametrize(
    "caught",
    [
        lambda pairs: rx.pipe(pairs, rs.error.ignore(), RATIO),
        lambda pairs: rx.pipe(pairs, rs.error.ignore(), rs.ops.map(lambda p: p), rs.error.map(repr), RATIO),
        lambda pairs: rx.pipe(rs.ops.group_by(lambda _: "key", pairs), rs.error.ignore(), RATIO),
        lambda pairs: rx.pipe(pairs, rs.ops.tee_map(rs.ops.identity(), rs.error.ignore(), join="zip_longest"), HEAD),
    ],
)
def test_item_that_was_held_before_a_caught_error_is_dropped(caught: Any) -> None:
    outputs, failures = fed(caught(rs.data.lag()), ITEMS)
    assert failed_at(failures) == [3, 4]
    assert outputs[3:] == [(5, 1.0), (6, 2.0), (7, 2.0), (8, 2.0)]
    assert failures[0][1].endswith(FIRST_FAILURE.format("lag(size=1)"))
    assert failures[1][1].endswith(SECOND_FAILURE.format("lag(size=1)"))


def test_caught_errors_drop_the_held_item() -> None:
    caught = rx.pipe(rs.data.lag(), RATIO, rs.error.map(lambda error: "caught"))
    outputs, failures = fed(caught, ITEMS)
    assert failures == []
    assert outputs == list(enumerate([1.0, 2.0, 0.0, "caught", "caught", 1.0, 2.0, 2.0, 2.0]))
    assert fed(rx.pipe(rs.data.lag(), rs.ops.tee_map(rx.pipe(RATIO, rs.error.ignore()), join="merge")), ITEMS) == (
        [(at, output) for at, output in enumerate([1.0, 2.0, 0.0, None, 4 / 3, 1.25, 2.0, 2.0, 2.0]) if at != 3],
        [],
    )


def test_caught_error_is_not_counted_again_when_its_record_fails() -> None:
    """The record is undone as a whole, and what it held before has failed with one item."""
    caught = rx.pipe(rs.data.lag(), RATIO, rs.error.map(lambda error: 0), rs.ops.map(lambda i: 1 / (i + 1 - 1)))
    outputs, failures = fed(caught, [1, 0.5, 0, 3, 4, 5, 10])
    assert failed_at(failures)[:1] == [2]
    assert outputs[-1] == (6, 0.5)


def test_windows_of_pairs_are_removed_without_their_pairs() -> None:
    """A window shields the pairs in it: the item that is held now is not the cause."""
    windows = rx.pipe(
        rs.data.lag(), rs.data.roll(3, 3, [rs.data.to_list(), rs.ops.map(lambda ps: [b / a for a, b in ps])])
    )
    outputs, failures = fed(windows, [1, 0, 2, 3, 4, 5, 10])
    assert failed_at(failures) == [2, 3]
    assert "when the window of 3 items completed" in failures[0][1]
    assert "held" not in failures[0][1].partition("completed")[0].partition(")")[2]
    assert outputs == []


def test_pairs_of_windows_drop_the_window_that_is_held() -> None:
    windows = rx.pipe(rs.data.roll(2, 2, [rs.math.sum(reduce=True)]), rs.ops.pairwise(), RATIO)
    outputs, failures = fed_to_both(windows, [1, 1, 1, -1, 2, 3, 4, 1, 2, 3, 4, 6])
    assert failed_at(failures) == [5, 6]
    assert outputs == [(3, 0.0), (11, 2.0)]


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_each_window_drops_what_it_holds(stride: int) -> None:
    inner = [rs.ops.pairwise(), RATIO, rs.data.to_list()]
    outputs, failures = fed(rs.data.roll(3, stride, inner), [1, 0, 2, 3, 4, 5, 10, 20, 40, 80, 160])
    assert len(failures) in (2, 4)
    assert outputs[-1][1] == [2.0, 2.0]


def test_groups_in_pairs_fail_two_records_whatever_their_keys() -> None:
    """The cause is outside of the groups: an item of each key fails, but no more than two."""
    keyed = rs.ops.group_by(lambda pair: pair[1] % 4, rx.pipe(rs.data.lag(), rs.ops.map(lambda p: p[1][1] / p[1][0])))
    outputs, failures = fed_to_both(rx.pipe(rs.data.lag(), keyed), [1, 2, 3, 4, 5, 0, 6, 7, 8, 9, 10])
    assert failed_at(failures) == [6, 7]
    assert outputs[-2:] == [(9, 9 / 8), (10, 10 / 9)]


def test_windows_before_lists_are_as_before() -> None:
    rolls = rx.pipe(rs.data.lag(), LAST, rs.data.roll(3, 3, LISTED_INVERSES))
    assert fed(rolls, [1, 0, 2, 3, 4, 1, 2, 3])[0] == [(7, 22)]


@pytest.mark.parametrize("is_grouped", [False, True])
def test_latest_value_of_a_branch_may_be_the_cause_in_a_row_of_another(*, is_grouped: bool) -> None:
    """The row fails when the second branch emits: its item is the one that the first branch has paired."""
    pairs = rs.ops.group_by(lambda _: "key", rs.data.lag()) if is_grouped else rs.data.lag()
    inverse = rs.ops.map(lambda row: row[1] and row[1] / row[0][0])
    outputs, failures = fed_to_both(rx.pipe(rs.ops.tee_map(pairs, LATER, join="combine_latest"), inverse), ITEMS)
    assert failed_at(failures) == [3, 4]
    assert outputs[-2:] == [(8, 1.0), (8, 2.0)]


def test_latest_window_of_a_branch_may_be_the_cause_in_a_row_of_another() -> None:
    sums = rs.data.roll(2, 2, [rs.math.sum(reduce=True)])
    inverse = rs.ops.map(lambda row: row[1] and row[0] is not None and row[1] / row[0])
    outputs, failures = fed_to_both(
        rx.pipe(rs.ops.tee_map(sums, LATER, join="combine_latest"), inverse), [1, 1, 2, -2, -2, 3, 4, 5]
    )
    assert failed_at(failures) == [3, 4]
    assert outputs[-1] == (7, 5 / 9)


LATER: Any = rs.ops.map(lambda item: item)


def test_causes_of_earlier_records_are_forgotten() -> None:
    """The branches of an inner `combine_latest` hold nothing: only the lag around it does."""
    inner = rs.ops.tee_map(rs.ops.filter(lambda p: p[1] < 3), rs.ops.identity(), join="combine_latest")
    caught = rx.pipe(rs.data.lag(), inner, rs.error.ignore(), rs.ops.map(lambda row: row[1] and row[1][1] / row[1][0]))
    outputs, failures = fed(caught, ITEMS)
    assert failed_at(failures) == [3, 4]
    assert outputs[-2:] == [(7, 2.0), (8, 2.0)]
