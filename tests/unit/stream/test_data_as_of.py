"""`data.as_of`: the definition itself for items in any order, and pandas' results where both have the same meaning."""

from __future__ import annotations

import math
from collections import Counter
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from typing import Any, NamedTuple

import pandas as pd
import pytest
import rx
from hypothesis import given
from hypothesis import strategies as st

import makiserve.stream as rs
from makiserve.stream.columns.checkpoint import ColumnCheckpoints
from makiserve.stream.columns.engine_choice import explain, program_for
from makiserve.stream.columns.program import ColumnProgram
from makiserve.stream.columns.row_copy import SmallBatches
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from tests.examples import examples
from tests.unit.stream.columns.both_engines import assert_equal_batches
from tests.unit.stream.feed import emitted
from tests.unit.stream.test_failed_held_items import FIRST_FAILURE, SECOND_FAILURE, failed_at, fed_to_both

START = datetime(2026, 3, 1, tzinfo=timezone.utc)


class Item(NamedTuple):
    time: Any
    known_at: Any
    value: Any
    key: Any = 0


def as_of(**parameters: Any) -> Any:
    return rs.data.as_of(lambda i: i.time, lambda i: i.known_at, lambda i: i.value, **parameters)


def by_definition(items: list[Item], default: Any) -> list[Any]:
    """Return the outputs of `as_of` for the items of one key, each computed from all items before it."""
    visible, emitted = set[int](), []
    for index, item in enumerate(items):
        known = ((before, items[before].known_at) for before in range(index))
        visible |= {before for before, at in known if at is not None and at <= item.time}
        latest = max(visible, key=lambda before: (items[before].known_at, before), default=None)
        emitted.append(default if latest is None else items[latest].value)
    return emitted


TIMES = st.integers(0, 12) | st.sampled_from([0.5, 3.25, 11.999, -1])
ITEMS = st.lists(
    st.builds(
        Item,
        TIMES,
        st.none() | TIMES | st.sampled_from([math.inf, -math.inf, 40]),
        st.integers(-3, 3) | st.floats(0, 1) | st.none() | st.just("text"),
        st.integers(0, 3),
    ),
    max_size=60,
)
NUMBERS = st.lists(
    st.builds(Item, st.integers(0, 30), st.none() | st.integers(0, 40), st.floats(0, 1), st.integers(0, 3)),
    min_size=40,
    max_size=120,
)
DEFAULTS = st.sampled_from([None, 0, 0.0, "none"])


@examples(200)
@given(items=ITEMS | NUMBERS, default=DEFAULTS)
def test_items_in_any_order_give_what_the_definition_gives(items: list[Item], default: Any) -> None:
    assert repr(emitted(as_of(default=default), items)) == repr(by_definition(items, default))


@examples(200)
@given(
    items=ITEMS | NUMBERS,
    default=DEFAULTS,
    cuts=st.lists(st.integers(1, 60), min_size=1, max_size=4),
    is_cut=st.booleans(),
    is_nested=st.booleans(),
)
def test_groups_are_those_of_the_row_engine(
    items: list[Item], default: Any, cuts: list[int], *, is_cut: bool, is_nested: bool
) -> None:
    """Whatever the batches are, with and without checkpoints between them."""
    latest = rs.ops.tee_map(rs.ops.map(lambda i: i.value), as_of(default=default))
    if is_nested:
        latest = rs.ops.tee_map(latest, rs.ops.group_by(lambda i: i.value is None, as_of()))
    pipeline = rs.ops.group_by(lambda i: i.key, latest)
    for small in (SmallBatches(0), SmallBatches(8, 20, 2)):
        columns = columnar(pipeline, small)
        codec = ColumnCheckpoints(columns) if is_cut else None
        state, other = assert_equal_batches(columns, Program(trace(pipeline)), items, cuts, codec)
        assert columns.row_state(state)[-1].keys() == other[-1].keys()
        for key, group in columns.row_state(state)[-1].items():
            assert repr(group[-3:]) == repr(other[-1][key][-3:])


def columnar(pipeline: Any, small: SmallBatches) -> ColumnProgram:
    program = program_for(trace(pipeline), is_tracked=True)
    assert isinstance(program, ColumnProgram)
    program._small = small
    return program


@examples(100)
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 3), st.none() | st.integers(1, 20), st.sampled_from("ab")), min_size=1, max_size=80
    )
)
def test_values_that_are_known_later_are_those_of_merge_asof(steps: list[tuple[int, int | None, str]]) -> None:
    """For items in order of time whose values are known after their times, pandas has the same meaning."""
    frame = pd.DataFrame(steps, columns=["step", "delay", "key"])
    frame["time"] = START + pd.to_timedelta(frame.step.cumsum(), unit="s")
    frame["known_at"] = frame.time + pd.to_timedelta(frame.delay, unit="s")
    frame["value"] = frame.index.astype(float)
    known = frame.dropna(subset="known_at").sort_values("known_at", kind="stable")[["known_at", "key", "value"]]
    left = frame[["time", "key"]].astype({"time": known.known_at.dtype})
    theirs = pd.merge_asof(left, known, left_on="time", right_on="known_at", by="key")
    times = [[time.to_pydatetime() for time in column] for column in (frame.time, frame.known_at.dropna())]
    items = [
        Item(time, None if is_never else times[1].pop(0), float(at), key)
        for at, (time, is_never, key) in enumerate(zip(times[0], frame.known_at.isna(), frame.key, strict=True))
    ]
    pipeline = rs.ops.group_by(lambda i: i.key, as_of(default=math.nan))
    expected = theirs.value.tolist()
    assert repr(emitted(pipeline, items)) == repr(expected)
    columns = columnar(pipeline, SmallBatches(0))
    assert repr(list(columns.feed(items, columns.new_state()).outputs)) == repr(expected)


def test_late_item_does_not_see_what_was_not_known_at_its_time() -> None:
    items = [Item(10, None, "a"), Item(3, 5, "b"), Item(4, None, "c"), Item(5, None, "d"), Item(1, None, "e")]
    outputs, _ = fed_to_both(as_of(), items * 20)
    assert [value for _, value in outputs[:5]] == [None, None, None, "b", "b"]


def test_one_time_far_in_the_future_makes_no_later_value_visible_too_early() -> None:
    """A record with a wrong year does not let all records after it see their future."""
    items = [Item(1, 2, "a"), Item(10**6, None, "b"), Item(3, 8, "c"), Item(4, None, "d"), Item(8, None, "e")]
    outputs, _ = fed_to_both(as_of(), items)
    assert [value for _, value in outputs] == [None, "a", "a", "a", "c"]


def test_value_is_the_item_by_default_and_not_called_if_never_known() -> None:
    items = [Item(1, 2, 1.5), Item(2, None, None), Item(3, None, None)]
    assert emitted(rs.data.as_of(lambda i: i.time, lambda i: i.known_at), items) == [None, items[0], items[0]]
    halves = rs.data.as_of(lambda i: i.time, lambda i: i.known_at, lambda i: i.value / 2)
    assert fed_to_both(halves, items * 15)[1] == []


def test_datetimes_have_microseconds_and_are_utc_without_a_zone() -> None:
    times = [START + timedelta(microseconds=us) for us in (1, 2, 3)]
    items = [Item(START, times[1], "a"), Item(times[0], None, "b"), Item(times[1].replace(tzinfo=None), None, "c")]
    outputs, failures = fed_to_both(as_of(), items)
    assert ([value for _, value in outputs], failures) == ([None, None, "a"], [])


LARGE = 2**53


def test_integers_that_floats_cannot_hold_are_compared_exactly() -> None:
    items = [Item(LARGE, LARGE + 1, "a"), Item(LARGE, None, "b"), Item(LARGE + 1, Fraction(5, 2), "c")] * 20
    assert [value for _, value in fed_to_both(as_of(), items)[0]] == by_definition(items, None)
    program = columnar(rs.ops.group_by(lambda i: i.key, as_of()), SmallBatches(0))
    state = program.new_state()
    assert list(program.feed(items, state).outputs) == by_definition(items, None)
    assert state.tables[1].is_foreign.any()


@pytest.mark.parametrize(
    ("item", "error"),
    [
        (Item(None, None, 1), "TypeError: a time must be a datetime or a number, not NoneType"),
        (Item("1", None, 1), "TypeError: a time must be a datetime or a number, not str"),
        (Item(1, "2", 1), "TypeError: a time must be a datetime or a number, not str"),
        (Item(math.nan, None, 1), "ValueError: the time of an item must be a finite number, not nan"),
        (Item(math.inf, None, 1), "ValueError: the time of an item must be a finite number, not inf"),
        (Item(1, math.nan, 1), "ValueError: known_at is NaN: return None for a value that never becomes known"),
        (
            Item(1, START, 1),
            "TypeError: time and known_at must both be datetimes or both be numbers, not int and datet",
        ),
        (
            Item(START, 1.0, 1),
            "TypeError: time and known_at must both be datetimes or both be numbers, not datetime an",
        ),
        (Item(10**400, None, 1), "OverflowError"),
    ],
)
def test_value_that_is_not_a_time_fails_only_its_record(item: Item, error: str) -> None:
    good = [Item(float(time), time + 1.5, time / 4) for time in range(40)]
    outputs, failures = fed_to_both(as_of(), [*good[:20], item, *good[20:]])
    assert [value for _, value in outputs] == by_definition(good, None)
    assert failed_at(failures) == [20]
    assert error in failures[0][1]


INVERSE = rs.ops.map(lambda value: value and 12 // (value - 7))


@pytest.mark.parametrize("is_grouped", [False, True])
def test_value_that_functions_fail_with_is_dropped_after_two_records(*, is_grouped: bool) -> None:
    inverses = rx.pipe(as_of(), INVERSE)
    items = [Item(1, 2, 1), Item(2, 3, 7), Item(2, 9, 8), Item(3, 4, 2), Item(4, 5, 3), Item(5, 6, 4), Item(9, None, 0)]
    pipeline = rs.ops.group_by(lambda i: i.key, inverses) if is_grouped else inverses
    outputs, ((first, first_error), (second, second_error)) = fed_to_both(pipeline, items)
    assert (first, second) == (3, 4)
    assert first_error.endswith(FIRST_FAILURE.format("as_of"))
    assert second_error.endswith(SECOND_FAILURE.format("as_of"))
    assert outputs == [(0, None), (1, -2), (2, -2), (5, -2), (6, 12)]  # of the values that were left


def test_visible_value_that_functions_fail_with_is_dropped() -> None:
    """The value has become visible at an item that passed, and what other items hold is not dropped with it."""
    inverses = rx.pipe(
        rs.ops.tee_map(rs.ops.map(lambda i: i.time), as_of()), rs.ops.starmap(lambda time, v: v and 1 // (time - v))
    )
    items = [Item(1, 2, 4), Item(2, 6, 5), Item(4, None, 0), Item(4, None, 0), Item(4, None, 0), Item(6, None, 0)]
    outputs, failures = fed_to_both(inverses, items)
    assert failed_at(failures) == [2, 3]
    assert outputs[2:] == [(4, None), (5, 1)]


def test_single_items_that_fail_by_themselves_drop_nothing() -> None:
    inverses = rx.pipe(rs.ops.tee_map(as_of(), rs.ops.map(lambda i: 1 / i.value)), rs.ops.starmap(lambda *row: row))
    items = [Item(1, 2, 4), Item(2, 3, 0), Item(3, 4, 2), Item(4, 5, 0), Item(5, None, 1)]
    outputs, failures = fed_to_both(inverses, items)
    assert failed_at(failures) == [1, 3]
    assert outputs == [(0, (None, 0.25)), (2, (4, 0.5)), (4, (2, 1.0))]


def test_group_whose_value_was_dropped_stays_in_columns() -> None:
    pipeline = rs.ops.group_by(lambda i: i.key, rx.pipe(rs.ops.tee_map(as_of(), rs.ops.count()), rs.ops.map(inverse)))
    program, rows = columnar(pipeline, SmallBatches(0)), Program(trace(pipeline))
    state, other = program.new_state(), rows.new_state()
    items = [Item(time, time + 1 + time % 3, time % 5, time % 2) for time in range(120)]
    for start in range(0, len(items), 40):
        fed, expected = program.feed(items[start : start + 40], state), rows.feed(items[start : start + 40], other)
        assert list(fed.outputs) == expected.outputs
        assert [(at, str(error)) for at, error in fed.failures] == [(at, str(e)) for at, e in expected.failures]
        assert fed.failures
        assert not state.is_foreign
        assert not state.tables[1].is_foreign.any()


def inverse(row: tuple[Any, int]) -> Any:
    return row if row[0] is None else (12 // row[0], row[1])


def test_functions_without_a_column_form_are_called_once_per_item() -> None:
    calls: Counter[tuple[str, int]] = Counter()

    def counted(name: str) -> Any:
        def call(item: Item) -> Any:
            calls[name, item.value] += 1
            return getattr(item, name)

        return call

    pipeline = rs.ops.group_by(
        lambda i: i.key, rs.data.as_of(counted("time"), counted("known_at"), counted("value"), default=-1)
    )
    plan = trace(pipeline)
    assert "as_of" in next(iter(explain(plan).calls))
    items = [Item(time, time + 2 if time % 3 else None, time, time % 2) for time in range(90)]
    program = columnar(pipeline, SmallBatches(8, 20, 2))
    state, outputs = program.new_state(), list[Any]()
    for size in (3, 5, 40, 7, 7, 7, 7, 14):
        batch, items = items[:size], items[size:]
        outputs += program.feed(batch, state).outputs
    assert not items
    assert set(calls.values()) == {1}
    assert len(calls) == 90 + 90 + 60
    assert outputs[-1] == 85


def test_as_of_in_windows_is_computed_by_the_row_engine() -> None:
    latest = rs.data.roll(3, 1, rx.pipe(as_of(), rs.ops.last()))
    because = explain(trace(latest)).rows_because
    assert because is not None
    assert "roll" in because
    items = [Item(time, time + 1, time) for time in range(5)]
    assert emitted(latest, items) == [1, 2, 3, 3, None]
