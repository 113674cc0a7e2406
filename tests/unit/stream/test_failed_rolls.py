"""Windows of a number of items that cannot complete: the second item that fails in one place removes the window."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
import rx
from hypothesis import given, settings
from hypothesis import strategies as st

import makiserve.stream as rs
from makiserve.stream.columns.checkpoint import ColumnCheckpoints
from makiserve.stream.columns.engine_choice import checkpoints_of, program_for
from makiserve.stream.columns.program import ColumnProgram
from makiserve.stream.columns.row_copy import NO_SMALL, SmallBatches
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace

LISTED_INVERSES = [rs.data.to_list(), rs.ops.map(lambda items: sum(12 / i for i in items))]
INVERSES = [rs.math.sum(lambda i: 12 / i if i else float("inf"), reduce=True), rs.ops.map(lambda s: int(s))]
BOTH = pytest.mark.parametrize("inner", [INVERSES, LISTED_INVERSES], ids=["merged", "listed"])


class Item(NamedTuple):
    value: int
    is_fatal: bool = False
    """Whether the windows that contain it cannot complete."""
    is_fatal_last: bool = False
    """Whether the window that it fills cannot complete."""
    is_bad: bool = False
    """Whether it fails itself."""


def accepted(item: Item) -> Item:
    if item.is_bad:
        raise ValueError("bad item")
    return item


def summed(window: tuple[int, int, bool]) -> tuple[int, int]:
    total, fatal, is_fatal_last = window
    if fatal or is_fatal_last:
        raise ArithmeticError("fatal window")
    return total, 1


SUMS = rx.pipe(
    rs.ops.map(accepted),
    rs.ops.tee_map(
        rs.math.sum(lambda i: i.value, reduce=True),
        rs.math.sum(lambda i: 1 if i.is_fatal else 0, reduce=True),
        rx.pipe(rs.ops.map(lambda i: i.is_fatal_last), rs.ops.last()),
    ),
    rs.ops.map(summed),
)
LISTED_SUMS = rx.pipe(
    rs.ops.map(accepted),
    rs.data.to_list(),
    rs.ops.map(
        lambda items: summed((sum(i.value for i in items), sum(i.is_fatal for i in items), items[-1].is_fatal_last))
    ),
)
TAIL = rx.pipe(rs.ops.map(accepted), rs.ops.tee_map(rs.ops.last(), rs.math.sum(lambda i: i.value, reduce=True)))


class Model:
    """The windows of one key: all items are kept, and each window is computed from them."""

    def __init__(self, window: int, stride: int) -> None:
        self.window, self.stride = window, stride
        self.items, self.failed_at, self.is_removed = list[Item](), -1, False
        self.outputs: list[tuple[int, Any]] = []
        self.failures: list[tuple[int, str]] = []

    def feed(self, at: int, item: Item) -> None:
        position = len(self.items)
        if item.is_bad and position % self.stride < max(self.window, self.stride * (self.stride <= self.window)):
            self.failures.append((at, "bad item"))
            return
        first = position + 1 - self.window
        is_removed = self.is_removed and self.failed_at == position
        if first >= 0 and first % self.stride == 0 and not is_removed:
            window = [*self.items[first:], item]
            if any(earlier.is_fatal for earlier in window) or item.is_fatal_last:
                self.failures.append((at, "fatal window"))
                if self.window > 1:
                    self.is_removed, self.failed_at = self.failed_at == position, position
                return
            self.outputs.append((at, (sum(earlier.value for earlier in window), 1)))
        self.items.append(item)


@st.composite
def records(draw: Any) -> list[Item]:
    kinds = [{}, {}, {}, {"is_bad": True}, {"is_fatal": True}, {"is_fatal_last": True}]
    return [Item(index, **draw(st.sampled_from(kinds))) for index in range(draw(st.integers(0, 40)))]


def fed(pipeline: Any, items: list[Any], small: SmallBatches = NO_SMALL) -> tuple[list[Any], list[tuple[int, str]]]:
    """Outputs with their causes, and failures; fed at once, and one by one with a checkpoint after each record."""
    plan = trace(pipeline)
    program: Any = program_for(plan)
    if isinstance(program, ColumnProgram):
        program = ColumnProgram(plan, program.compiled, program.rows, small, program.keeping)
    fed = program.feed(items, program.new_state())
    outputs, failures, codec = list[Any](), list[tuple[int, str]](), checkpoints_of(program, (Item,))
    state: Any = program.new_state()
    for at, item in enumerate(items):
        single = program.feed([item], state)
        outputs += [(at, output) for output in single.outputs]
        failures += [(at, str(error)) for _, error in single.failures]
        if at % 2:
            state = codec.load(codec.dump(state))
    assert outputs == list(zip(fed.causes, fed.outputs, strict=True))
    assert failures == [(at, str(error)) for at, error in fed.failures]
    return outputs, failures


@BOTH
def test_adjacent_window_that_cannot_complete_fails_two_records_and_is_gone(inner: Any) -> None:
    outputs, failures = fed(rs.ops.group_by(lambda _: "key", rs.data.roll(3, 3, inner)), [1, 0, 2, 3, 4, 1, 2, 3, 6])
    assert outputs == [(7, 22)]
    assert [at for at, _ in failures] == [2, 3]
    assert failures[0][1].endswith(
        ", when the window of 3 items completed. If the next item fails, too, the window is removed without output"
    )
    assert failures[1][1].endswith(", when the window of 3 items completed. The window is removed without output")


@BOTH
def test_failed_item_is_undone_and_the_next_fills_the_window(inner: Any) -> None:
    outputs, failures = fed(rs.data.roll(3, 1, inner), [1, 2, 0, 3, 0, 4])
    assert outputs == [(3, 22), (5, 13)]
    assert [at for at, _ in failures] == [2, 4]


@BOTH
def test_windows_that_overlap_a_removed_one_are_right(inner: Any) -> None:
    outputs, failures = fed(rs.data.roll(3, 1, inner), [1, 0, 2, 3, 4, 1, 2, 3, 6])
    assert [at for at, _ in failures] == [2, 3, 5, 6]
    assert outputs == [(8, 3 + 4 + 2)]


@pytest.mark.parametrize("window", [1, 3])
def test_windows_of_one_item_are_never_removed(window: int) -> None:
    ones = rs.data.roll(1, 1, [rs.math.sum(reduce=True), rs.ops.map(lambda i: 12 // i)])
    outputs, failures = fed(ones, [0, 0, 0, 0, 3])
    assert outputs == [(4, 4)]
    assert len(failures) == 4
    assert "removed" not in failures[-1][1]


@pytest.mark.slow
@pytest.mark.parametrize("inner", [SUMS, LISTED_SUMS], ids=["merged", "listed"])
@pytest.mark.parametrize(("window", "stride"), [(1, 1), (2, 1), (3, 3), (4, 2), (5, 3), (2, 5), (6, 1)])
@settings(max_examples=40, deadline=None)
@given(records())
def test_windows_fail_as_in_the_model(inner: Any, window: int, stride: int, items: list[Item]) -> None:
    model = Model(window, stride)
    for at, item in enumerate(items):
        model.feed(at, item)
    grouped = rs.ops.group_by(lambda _: "key", rs.data.roll(window, stride, inner))
    outputs, failures = fed(grouped, items)
    assert outputs == model.outputs
    assert [(at, next(text for text in ("fatal window", "bad item") if text in error)) for at, error in failures] == (
        model.failures
    )
    assert fed(grouped, items, SmallBatches(1, 3, 3)) == (outputs, failures)


def test_group_whose_window_was_removed_stays_in_columns() -> None:
    plan = trace(rs.ops.group_by(lambda i: i % 2, rs.ops.group_by(lambda i: i % 3 == 0, rs.data.roll(3, 1, INVERSES))))
    program, rows = program_for(plan, is_tracked=True), Program(plan)
    assert isinstance(program, ColumnProgram)
    state, other, codec = program.new_state(), rows.new_state(), ColumnCheckpoints(program)
    saved = list(codec.take(state, is_whole=True))
    for batch in ([2, 0, 4], [6, 12, 18, 8, 10], [24, 30], [0, 12, 36, 18, 6, 14]):
        columns, expected = program.feed(batch, state), rows.feed(batch, other)
        assert list(columns.outputs) == expected.outputs
        assert [(at, str(error)) for at, error in columns.failures] == [(at, str(e)) for at, e in expected.failures]
        saved += codec.take(state, is_whole=False)
        state = codec.join(saved)
        assert not state.is_foreign
        assert not state.tables[1].is_foreign.any()


@BOTH
def test_removed_window_does_not_complete_with_the_stream(inner: Any) -> None:
    program = program_for(trace(rs.data.roll(3, 2, inner)))
    state: Any = program.new_state()
    assert len(program.feed([1, 0, 2, 3], state).failures) == 2
    assert program.complete(state) == []
    assert list(program.feed([4, 1, 0, 2, 3, 6], state).outputs) == [21, 12]
    assert program.complete(state) == [2]


@pytest.mark.parametrize("place", ["branch", "after"])
def test_windows_of_zipped_branches_are_removed_together(place: str) -> None:
    """The branches emit together, so that no result is paired with that of another window."""
    inverse = rs.ops.map(lambda total: 12 // total)
    sums, means = (rs.data.roll(3, 1, [reduce(reduce=True)]) for reduce in (rs.math.sum, rs.math.mean))
    if place == "branch":
        zipped = rs.ops.tee_map(rx.pipe(sums, inverse), means)
    else:
        zipped = rx.pipe(rs.ops.tee_map(sums, means), rs.ops.map(lambda row: (12 // row[0], row[1])))
    items = [1, 2, -3, -3, 3, 3, 6, 0, 0]
    outputs, failures = fed(rs.ops.group_by(lambda _: "key", zipped), items)
    assert [at for at, _ in failures] == [2, 3]
    assert outputs == [(5, (1, 8 / 3)), (6, (1, 4.0)), (7, (1, 3.0)), (8, (2, 2.0))]


def test_list_that_fails_with_two_last_items_is_removed() -> None:
    lists = rx.pipe(rs.data.batch(3), rs.ops.map(lambda items: sum(12 / i for i in items)))
    grouped = rs.ops.group_by(lambda _: "key", lists)
    outputs, failures = fed(grouped, [1, 0, 2, 3, 4, 1, 0, 2, 3, 6, 1])
    assert outputs == [(7, 21.0), (10, 18.0)]
    assert [at for at, _ in failures] == [2, 3, 6]
    assert failures[1][1].endswith(", when the list of 3 items completed. The list is removed without output")
