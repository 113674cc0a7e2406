"""`roll_time` and `roll_calendar` in columns: the row engine's results for items in any order."""

from __future__ import annotations

from typing import Any

import pytest

import makiserve.stream as rs
from makiserve.stream.columns.engine_choice import explain
from makiserve.stream.engine.trace import trace
from tests.loops import loop_over
from tests.unit.stream.columns.clicks import Click, assert_same_in_any_order, comparable, engines, features, time

HOUR_MS = 3_600_000


late = rs.ops.map(lambda i: ("late", i.value))
WINDOWS = {
    "adjacent": lambda inner: rs.data.roll_time("50ms", "50ms", time, inner),
    "overlapping": lambda inner: rs.data.roll_time("50ms", "20ms", time, inner, lateness="15ms"),
    "with gaps": lambda inner: rs.data.roll_time("20ms", "50ms", time, inner, "15ms", [late]),
    "late items are counted": lambda inner: rs.data.roll_time("30ms", "10ms", time, inner, on_late=[rs.ops.count()]),
    "days": lambda inner: rs.data.roll_calendar(
        "day", lambda i: i.time * HOUR_MS, inner, zone="Europe/Paris", lateness="5h", on_late=[late]
    ),
    "months": lambda inner: rs.data.roll_calendar("month", lambda i: i.time * 9 * HOUR_MS, inner, zone="Asia/Tokyo"),
}


@pytest.mark.slow
@loop_over("share", [0.0, 0.02, 0.5])
@loop_over("keys", [1, 40])
@loop_over("windows", WINDOWS.values(), ids=WINDOWS)
def test_items_in_any_order_give_the_results_of_the_row_engine(windows: Any, keys: int, share: float) -> None:
    assert_same_in_any_order(*engines(windows(features())), keys, share)


@pytest.mark.parametrize("stride", ["1ms", "8ms"], ids=["when panes are merged", "within a pane"])
def test_group_whose_sums_nearly_leave_the_range_of_floats_moves(stride: str) -> None:
    columns, rows = engines(rs.data.roll_time("8ms", stride, time, rs.math.sum(lambda i: i.value, reduce=True)))
    state, other = columns.new_state(), rows.new_state()
    for start in (0, 2, 4, 20):
        batch = [Click(key, start + at, 1e301 if key else 0.5) for at in (0, 1) for key in (0, 1)]
        assert comparable(columns.feed(batch, state)) == comparable(rows.feed(batch, other))
    index = state.tables[1].index
    assert [bool(state.tables[1].is_foreign[index[key]]) for key in (0, 1)] == [False, True]


def test_group_with_a_value_that_a_reduction_refuses_moves_with_its_panes() -> None:
    inner = rs.ops.tee_map(rs.data.window_start(), rs.math.max(lambda i: i.value, reduce=True), rs.ops.first())
    columns, rows = engines(rs.data.roll_time("20ms", "10ms", time, inner))
    state, other = columns.new_state(), rows.new_state()
    batches = [[Click(key, now, now) for now in range(start, start + 30) for key in (0, 1)] for start in (0, 30)]
    for batch in (batches[0], [Click(0, 31, "text"), Click(1, 31, 4)], batches[1]):
        assert comparable(columns.feed(batch, state)) == comparable(rows.feed(batch, other))
    assert state.tables[1].is_foreign.sum() == 1


def test_time_that_no_calendar_has_fails_its_record_only() -> None:
    windows = rs.data.roll_calendar("year", time, rs.ops.count(reduce=True), zone="UTC", lateness="400d")
    columns, rows = engines(windows)
    first_year = -62_135_596_800_000
    batch = [Click(0, at, 0) for at in (2**58, first_year, first_year + 500 * 24 * HOUR_MS, 0, -(2**58), 2 * 10**12)]
    fed = columns.feed(batch, columns.new_state())
    assert comparable(fed) == comparable(rows.feed(batch, rows.new_state()))
    assert [at for at, _ in fed.failures] == [0, 1, 4]


@pytest.mark.parametrize(
    ("windows", "because"),
    [
        (rs.data.roll_time("1s", "1s", time, rs.data.to_list()), "its pipeline is not a reduction"),
        (
            rs.data.roll_time("1s", "1s", time, rs.ops.count(reduce=True), on_late=[rs.ops.group_by(time, [])]),
            "its pipeline for late items has groups",
        ),
    ],
)
def test_windows_without_a_columnar_form_are_explained(windows: Any, because: str) -> None:
    assert because in (explain(trace(windows)).rows_because or "")
