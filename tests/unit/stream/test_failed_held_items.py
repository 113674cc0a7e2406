"""Held items that functions fail with: the second item that fails with what `lag` holds drops it."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest
import rx
from hypothesis import given, settings

import makiserve.stream as rs
from makiserve.stream.columns.checkpoint import ColumnCheckpoints
from makiserve.stream.columns.engine_choice import program_for
from makiserve.stream.columns.program import ColumnProgram
from makiserve.stream.columns.row_copy import SmallBatches
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from tests.unit.stream.test_failed_rolls import Item, accepted, fed, records

RATIO = rs.ops.map(lambda pair: pair[1] / pair[0])
FIRST_FAILURE = ", with what {} held. If the next item fails, too, it is dropped"
SECOND_FAILURE = ", with what {} held. It is dropped, as if the key began after it"


def fed_to_both(pipeline: Any, items: list[Any]) -> tuple[list[tuple[int, Any]], list[tuple[int, str]]]:
    """Outputs with their causes, and failures: the same on both engines, for batches of any size."""
    rows = Program(trace(pipeline))
    expected = rows.feed(items, rows.new_state())
    outputs = list(zip(expected.causes, expected.outputs, strict=True))
    failures = [(at, str(error)) for at, error in expected.failures]
    assert fed(pipeline, items) == (outputs, failures)
    assert fed(pipeline, items, SmallBatches(1, 3, 3)) == (outputs, failures)
    return outputs, failures


def failed_at(failures: list[tuple[int, str]]) -> list[int]:
    return [at for at, _ in failures]


@pytest.mark.parametrize("is_grouped", [False, True])
def test_item_that_lag_holds_fails_two_records_and_is_dropped(*, is_grouped: bool) -> None:
    ratios = rx.pipe(rs.data.lag(), RATIO)
    pipeline = rs.ops.group_by(lambda _: "key", ratios) if is_grouped else ratios
    outputs, ((first, first_error), (second, second_error)) = fed_to_both(pipeline, [1, 2, 0, 3, 4, 5, 10])
    assert outputs == [(0, 1.0), (1, 2.0), (2, 0.0), (5, 1.0), (6, 2.0)]
    assert (first, second) == (3, 4)
    assert first_error.endswith(FIRST_FAILURE.format("lag(size=1)"))
    assert second_error.endswith(SECOND_FAILURE.format("lag(size=1)"))


def test_only_the_earliest_item_of_a_longer_lag_is_dropped() -> None:
    """The results are those of a key that began after it: no pair has items of another distance."""
    outputs, failures = fed_to_both(rx.pipe(rs.data.lag(2), RATIO), [1, 0, 2, 3, 4, 6, 8])
    assert failed_at(failures) == [3, 4]
    assert outputs == [(0, 1.0), (1, 0.0), (2, 2.0), (5, 3.0), (6, 4.0)]
    assert [output for at, output in outputs if at > 4] == [pair[1] / pair[0] for pair in [(2, 6), (2, 8)]]


def test_each_bad_item_of_a_longer_lag_costs_two_records() -> None:
    outputs, failures = fed_to_both(rx.pipe(rs.data.lag(2), RATIO), [1, 0, 0, 1, 2, 3, 4, 5, 6])
    assert failed_at(failures) == [3, 4, 5, 6]
    assert outputs[3:] == [(7, 1.0), (8, 6 / 5)]


def test_item_that_pairwise_holds_is_dropped_and_the_next_one_has_no_pair() -> None:
    outputs, failures = fed_to_both(rx.pipe(rs.ops.pairwise(), RATIO), [1, 2, 0, 3, 4, 5, 10])
    assert failed_at(failures) == [3, 4]
    assert outputs == [(1, 2.0), (2, 0.0), (6, 2.0)]
    assert failures[1][1].endswith(SECOND_FAILURE.format("pairwise"))


def test_value_of_another_type_that_delta_holds_is_dropped() -> None:
    """A list minus itself fails, but a set does not: it is held, and no number can be compared with it."""
    outputs, failures = fed_to_both(rs.data.delta(), [{1}, 2, 3, 5, 9])
    assert failed_at(failures) == [1, 2]
    assert outputs == [(0, set()), (3, 0), (4, 4)]


def test_last_items_that_fail_by_themselves_one_at_a_time_cost_nothing_else() -> None:
    ratio = rs.ops.map(lambda pair: 1 / pair[1])
    outputs, failures = fed_to_both(
        rx.pipe(rs.data.lag(), rs.ops.map(lambda pair: (pair, 1 / pair[1]))), [1, 0, 2, 0, 4]
    )
    assert outputs == [(0, ((1, 1), 1.0)), (2, ((1, 2), 0.5)), (4, ((2, 4), 0.25))]
    assert failed_at(failures) == [1, 3]
    outputs, failures = fed_to_both(rx.pipe(rs.ops.pairwise(), ratio), [1, 0, 0, 2, 4])
    assert outputs == [(4, 0.25)]  # two of them in a row cost the pair of the item after them


def test_record_that_fails_before_the_lag_is_not_counted() -> None:
    inverse = rs.ops.map(lambda i: i + 0 * (1 // (i - 7)))
    outputs, failures = fed_to_both(rx.pipe(inverse, rs.data.lag(), RATIO), [1, 0, 7, 3, 7, 4, 7, 5])
    assert failed_at(failures) == [2, 3, 4, 5, 6]
    assert outputs == [(0, 1.0), (1, 0.0), (7, 1.0)]
    assert "dropped" not in failures[2][1]


class Model:
    """The last items of one key."""

    def __init__(self, size: int, *, is_pairwise: bool) -> None:
        self.held, self.has_failed = deque[Item](), False
        self.size, self.is_pairwise = size, is_pairwise
        self.outputs, self.failures = list[tuple[int, Any]](), list[tuple[int, str]]()

    def feed(self, at: int, item: Item) -> None:
        if item.is_bad:
            self.failures.append((at, "bad item"))
            return
        earlier = self.held[0] if self.held else item
        has_pair = bool(self.held) or not self.is_pairwise
        if has_pair and (earlier.is_fatal or item.is_fatal_last):
            self.failures.append((at, "fatal pair"))
            if self.held and self.has_failed:
                self.held.popleft()
            self.has_failed = bool(self.held) and not self.has_failed
            return
        self.outputs += [(at, (earlier.value, item.value))] if has_pair else []
        self.held.append(item)
        self.has_failed = False
        if len(self.held) > self.size:
            self.held.popleft()


def paired(pair: tuple[Item, Item]) -> tuple[int, int]:
    if pair[0].is_fatal or pair[1].is_fatal_last:
        raise ArithmeticError("fatal pair")
    return pair[0].value, pair[1].value


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 2, 4, None])
@settings(max_examples=40, deadline=None)
@given(records())
def test_pairs_fail_as_in_the_model(size: int | None, items: list[Item]) -> None:
    model = Model(size or 1, is_pairwise=size is None)
    for at, item in enumerate(items):
        model.feed(at, item)
    pairs = rs.data.lag(size) if size else rs.ops.pairwise()
    grouped = rs.ops.group_by(lambda _: "key", rx.pipe(rs.ops.map(accepted), pairs, rs.ops.map(paired)))
    outputs, failures = fed_to_both(grouped, items)
    assert outputs == model.outputs
    texts = [(at, "bad item" if "bad item" in error else "fatal pair") for at, error in failures]
    assert texts == model.failures


def test_group_whose_held_item_was_dropped_stays_in_columns() -> None:
    ratios = rs.ops.group_by(lambda i: i % 3 == 0, rx.pipe(rs.data.lag(2), RATIO))
    plan = trace(rs.ops.group_by(lambda i: i % 2, ratios))
    program, rows = program_for(plan, is_tracked=True), Program(plan)
    assert isinstance(program, ColumnProgram)
    state, other, codec = program.new_state(), rows.new_state(), ColumnCheckpoints(program)
    saved = list(codec.take(state, is_whole=True))
    for batch in ([2, 6, 0, 4], [6, 12, 18, 8, 10], [24, 30], [0, 12, 36, 18, 6, 14]):
        columns, expected = program.feed(batch, state), rows.feed(batch, other)
        assert list(columns.outputs) == expected.outputs
        assert [(at, str(error)) for at, error in columns.failures] == [(at, str(e)) for at, e in expected.failures]
        saved += codec.take(state, is_whole=False)
        state = codec.join(saved)
        assert not state.is_foreign
        assert not state.tables[1].is_foreign.any()


def test_chain_of_lags_drops_what_all_of_them_hold() -> None:
    """Each of them may hold the cause: no more than two records fail."""
    second = rs.ops.map(lambda pair: (pair[1][1] - pair[1][0]) / pair[0][0])
    outputs, failures = fed_to_both(rx.pipe(rs.data.lag(), rs.data.lag(), second), [1, 0, 2, 3, 5, 9, 4])
    assert failed_at(failures) == [3, 4]
    assert outputs[-2:] == [(5, 0.0), (6, -5 / 9)]
    assert failures[1][1].endswith(SECOND_FAILURE.format("lag(size=1)"))


def test_long_chains_of_lags_compile() -> None:
    deltas = [rs.data.delta() for _ in range(30)]
    outputs, failures = fed_to_both(rs.ops.tee_map(rx.pipe(*deltas), rx.pipe(*deltas)), [1, 2, 4])
    assert (outputs, failures) == ([(0, (0, 0)), (1, (1, 1)), (2, (-27, -27))], [])


def test_lags_in_all_branches_of_a_row_may_be_the_cause() -> None:
    rows = rs.ops.tee_map(rs.data.lag(2), rs.data.delta(), rs.ops.count())
    inverse = rs.ops.map(lambda row: (*row, 12 // row[0][0]))
    outputs, failures = fed_to_both(rx.pipe(rows, inverse), [1, 0, 2, 3, 4, 6, 8])
    assert failed_at(failures) == [3, 4]
    assert outputs[3:] == [(5, ((2, 6), 0, 4, 6)), (6, ((2, 8), 2, 5, 6))]
    assert failures[0][1].endswith(FIRST_FAILURE.format("lag(size=2) and lag(size=1)"))


class Unequal:
    """A value that cannot be compared with a number."""

    def __ne__(self, other: object) -> bool:
        if isinstance(other, Unequal):
            return False
        raise TypeError("not comparable")

    __hash__ = None


def test_key_that_distinct_until_changed_cannot_compare_is_dropped() -> None:
    odd = Unequal()
    program = Program(trace(rs.ops.distinct_until_changed()))
    state = program.new_state()
    fed = program.feed([odd, 1, 1, 2, 2], state)
    assert [at for at, _ in fed.failures] == [1, 2]
    assert fed.outputs == [odd, 2]
    assert str(fed.failures[1][1]).endswith(SECOND_FAILURE.format("distinct_until_changed"))
