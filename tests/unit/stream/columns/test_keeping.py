"""Small batches of plans with functions that are called: no record calls a function twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import rx
from hypothesis import given
from hypothesis import strategies as st

import makiserve.stream as rs
from makiserve.stream.columns.checkpoint import ColumnCheckpoints
from makiserve.stream.columns.engine_choice import program_for
from makiserve.stream.columns.program import ColumnProgram
from makiserve.stream.columns.row_copy import SmallBatches
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from models.flight_delay.features import features
from tests.examples import examples
from tests.unit.stream.columns.both_engines import assert_equal_batches


class Reading(NamedTuple):
    number: int
    key: int
    value: Any


BAD = 13
"""The value of a reading on which a function raises."""


class Calls:
    """Makes functions that are called for each item, and counts the calls for each reading."""

    def __init__(self) -> None:
        self.count: Counter[tuple[str, int]] = Counter()

    def of(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            reading = next(argument for argument in reversed(arguments) if isinstance(argument, Reading))
            self.count[name, reading.number] += 1
            if reading.value == BAD and name == "fails":
                raise ValueError("a bad reading")
            return function(*arguments)

        return call


def chained(calls: Calls) -> Any:
    """Maps and filters before, inside and after groups."""
    window = rs.ops.tee_map(rs.ops.last(), rs.math.sum(lambda i: i.value, reduce=True))
    inner = rx.pipe(
        rs.ops.map(calls.of("inner", lambda i: i._replace(value=i.value * 2))),
        rs.ops.filter(calls.of("filter", lambda i: i.value % 3)),
        rs.data.roll(3, 1, window),
    )
    return rx.pipe(
        rs.ops.map(calls.of("fails", lambda i: i)),
        rs.ops.group_by(calls.of("key", lambda i: i.key), inner),
        rs.ops.starmap(calls.of("last", lambda i, total: (i.number, total))),
    )


def branched(calls: Calls) -> Any:
    """Accumulators in branches and nested groups, as the flights have them; one of them changes a list in place."""

    def listed(accumulated: list[int], reading: Reading) -> list[int]:
        accumulated.append(reading.value)
        del accumulated[:-3]
        return accumulated

    inner = rs.ops.tee_map(
        rs.ops.map(lambda i: i),
        rs.ops.scan(calls.of("total", lambda total, i: total + i.value), 0),
        rs.ops.group_by(calls.of("nested", lambda i: i.value % 2), rs.ops.scan(calls.of("listed", listed), list)),
        rs.ops.scan(calls.of("fails", lambda greatest, i: max(greatest, i.value)), 0),
    )
    return rx.pipe(rs.ops.group_by(lambda i: i.key, inner), rs.ops.map(lambda i: (i[0].number, i[1], i[2], i[3])))


def in_one_scope(calls: Calls) -> Any:
    """State that is not in groups."""
    return rs.ops.tee_map(
        rs.ops.scan(calls.of("fails", lambda _, i: i), None),
        rx.pipe(rs.ops.map(lambda i: i.value), rs.data.lag(2)),
        rx.pipe(rs.ops.map(calls.of("sum", lambda i: i.value)), rs.math.sum()),
    )


PIPELINES = (chained, branched, in_one_scope)
readings = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9) | st.sampled_from([BAD, 2**70])), max_size=60)
small_batches = st.builds(SmallBatches, st.just(6), st.integers(1, 20), st.integers(0, 3))


def in_small_batches(pipeline: Any, small: SmallBatches) -> ColumnProgram:
    program = program_for(trace(pipeline))
    assert isinstance(program, ColumnProgram)
    assert program.keeping
    return ColumnProgram(program.plan, program.compiled, program.rows, small, program.keeping)


@pytest.mark.parametrize("make", PIPELINES)
@examples(60)
@given(readings, st.lists(st.sampled_from([1, 2, 6, 7, 40]), min_size=1, max_size=5), small_batches, st.booleans())
def test_any_cut_gives_the_results_of_the_row_engine(
    make: Callable[[Calls], Any],
    values: list[tuple[int, Any]],
    cuts: list[int],
    small: SmallBatches,
    checkpoints: bool,
) -> None:
    columns, rows = in_small_batches(make(Calls()), small), Program(trace(make(Calls())))
    records = [Reading(number, *value) for number, value in enumerate(values)]
    codec = ColumnCheckpoints(columns, (Reading,)) if checkpoints else None
    state, other = assert_equal_batches(columns, rows, records, cuts, codec)
    assert repr(columns.complete(state)) == repr(rows.complete(other))


@pytest.mark.parametrize("make", PIPELINES)
@examples(60)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), max_size=60),
    st.lists(st.sampled_from([1, 2, 6, 7, 40]), min_size=1, max_size=5),
    small_batches,
)
def test_no_record_calls_a_function_twice(
    make: Callable[[Calls], Any], values: list[tuple[int, Any]], cuts: list[int], small: SmallBatches
) -> None:
    calls, expected = Calls(), Calls()
    columns, rows = in_small_batches(make(calls), small), Program(trace(make(expected)))
    records = [Reading(number, *value) for number, value in enumerate(values)]
    rows.feed(records, rows.new_state())
    state, start, turn = columns.new_state(), 0, 0
    while start < len(records):
        batch = records[start : start + cuts[turn % len(cuts)]]
        columns.feed(batch, state)
        start, turn = start + len(batch), turn + 1
    columns.catch_up(state)
    assert calls.count == expected.count
    assert set(calls.count.values()) <= {1}


@pytest.mark.parametrize("make", PIPELINES)
def test_a_group_that_arrays_cannot_hold_calls_no_function_twice(make: Callable[[Calls], Any]) -> None:
    calls = Calls()
    columns = in_small_batches(make(calls), SmallBatches())
    records = [Reading(number, number % 2, 2**70 if number == 5 else number) for number in range(40)]
    state = columns.new_state()
    for record in records:
        columns.feed([record], state)
        if record.number % 10 == 9:
            columns.catch_up(state)
    assert set(calls.count.values()) == {1}


@pytest.mark.parametrize("make", PIPELINES)
def test_a_record_that_fails_is_not_processed_again(make: Callable[[Calls], Any]) -> None:
    calls = Calls()
    columns = in_small_batches(make(calls), SmallBatches())
    state = columns.new_state()
    fed = columns.feed([Reading(0, 0, 1), Reading(1, 0, BAD), Reading(2, 0, 2)], state)
    assert [at for at, _ in fed.failures] == [1]
    columns.catch_up(state)
    assert set(calls.count.values()) == {1}


def test_the_row_engine_computes_small_batches_of_the_flights() -> None:
    program = program_for(trace(features()))
    assert isinstance(program, ColumnProgram)
    assert program.keeping


@pytest.mark.parametrize(
    "make",
    [
        lambda call: rs.data.roll(3, 1, rx.pipe(rs.ops.map(call), rs.math.sum(reduce=True))),
        lambda call: rx.pipe(rs.ops.map(lambda i: (i, i)), rs.ops.flat_map(), rs.ops.map(call)),
        lambda call: rs.ops.tee_map(rs.ops.map(call), rs.ops.filter(lambda i: i[1]), join="merge"),
        lambda call: rs.math.sum(call),
        lambda call: rs.ops.group_by(lambda i: i[1], rs.ops.map(call), ttl="1s", time_mapper=lambda i: i[0]),
    ],
    ids=["in a window", "after flat_map", "in a merge", "of a reduction", "in groups with a ttl"],
)
def test_columns_compute_all_batches_if_a_record_may_call_a_function_twice(make: Callable[..., Any]) -> None:
    program = program_for(trace(make(Calls().of("function", lambda i: i[1]))))
    assert isinstance(program, ColumnProgram)
    state = program.new_state()
    for number in range(5):
        program.feed([Reading(number, 1, 2.0)], state)
        assert state.copy is None
