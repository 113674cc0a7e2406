"""Windows that cannot complete: one record fails, the window is gone, and the records that follow are not affected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import rx
from hypothesis import given
from hypothesis import strategies as st

import makiserve.stream as rs
from makiserve.stream.columns.engine_choice import checkpoints_of, program_for
from makiserve.stream.engine.trace import trace
from tests.examples import examples
from tests.loops import loop_over

NUMBERS = [1, 2, 20, 40, 60, 80]
COUNT = [rs.ops.count(reduce=True)]
LISTED = [rs.data.to_list(), rs.ops.map(len)]


def time(item: int) -> int:
    return item


WINDOWS: dict[str, Callable[[Any], Any]] = {
    "roll_time": lambda inner: rs.data.roll_time("10ms", "10ms", time, inner),
    "roll_calendar": lambda inner: rs.data.roll_calendar("day", lambda i: i * 8_640_000, inner, zone="UTC"),
    "time_split": lambda inner: rs.data.time_split(time, inactive_timeout=10, pipeline=inner),
    "split": lambda inner: rs.data.split(lambda i: i // 10, inner),
}
ALL = [
    *(pytest.param(make(inner), id=f"{name} {kind}") for name, make in WINDOWS.items() for kind, inner in
      (("merged", COUNT), ("listed", LISTED))),
    pytest.param(rs.data.roll_session("10ms", time, COUNT), id="roll_session"),
]  # fmt: skip


def not_of_two() -> Any:
    return rs.ops.map(lambda n: 1 // (n - 2))


def fed(pipeline: Any, items: list[Any], *types: type) -> tuple[list[Any], list[tuple[int, str]]]:
    """Outputs with their causes, and failures; fed at once, and one by one with a checkpoint after each record."""
    program: Any = program_for(trace(pipeline))
    fed_at_once = program.feed(items, program.new_state())
    outputs, failures, codec = list[Any](), list[tuple[int, str]](), checkpoints_of(program, types)
    state: Any = program.new_state()
    for at, item in enumerate(items):
        single = program.feed([item], state)
        outputs += [(at, output) for output in single.outputs]
        failures += [(at, str(error)) for _, error in single.failures]
        state = codec.load(codec.dump(state))
    assert outputs == list(zip(fed_at_once.causes, fed_at_once.outputs, strict=True))
    assert failures == [(at, str(error)) for at, error in fed_at_once.failures]
    return outputs, failures


def assert_first_window_is_gone(pipeline: Any, *, is_grouped: bool) -> None:
    """Assert that the first window of NUMBERS costs one record, and that the windows after it have their outputs."""
    outputs, failures = fed(rs.ops.group_by(lambda _: "key", pipeline) if is_grouped else pipeline, NUMBERS)
    assert outputs == [(4, -1), (5, -1)]
    ((at, message),) = failures
    assert at == 2
    assert "ZeroDivisionError" in message
    assert message.endswith(" is removed without output")


@loop_over("is_grouped", [False, True])
@pytest.mark.parametrize("windows", ALL)
def test_window_that_cannot_complete_fails_one_record_and_is_gone(windows: Any, *, is_grouped: bool) -> None:
    assert_first_window_is_gone(rx.pipe(windows, not_of_two()), is_grouped=is_grouped)


@pytest.mark.parametrize("inner", [COUNT, LISTED])
def test_error_names_the_bounds_of_the_window(inner: Any) -> None:
    _, ((_, message),) = fed(rx.pipe(rs.data.roll_time("10ms", "10ms", time, inner), not_of_two()), NUMBERS)
    assert "when the window from 0 ms to 10 ms completed. The window is removed" in message
    days = rs.data.roll_calendar("day", lambda i: i * 8_640_000, inner, zone="UTC")
    _, ((_, message),) = fed(rx.pipe(days, not_of_two()), NUMBERS)
    assert "when the window from 0 ms to 86400000 ms completed." in message


def test_error_names_the_session() -> None:
    _, ((_, message),) = fed(rx.pipe(rs.data.roll_session("10ms", time, COUNT), not_of_two()), NUMBERS)
    assert "when the session from 1 ms to 2 ms completed. The session is removed" in message


@pytest.mark.parametrize("inner", [COUNT, LISTED])
def test_windows_that_are_due_at_one_record_complete_with_the_next(inner: Any) -> None:
    """Those before the one that fails are undone, too, so that each output belongs to a record that passed."""
    windows = rx.pipe(rs.data.roll_time("10ms", "10ms", time, inner, lateness="30ms"), not_of_two())
    outputs, failures = fed(windows, [1, 12, 13, 25, 26, 27, 100, 101, 102])
    assert [at for at, _ in failures] == [6]
    assert outputs == [(7, -1), (7, 1)]


@pytest.mark.parametrize("inner", [COUNT, LISTED])
def test_late_item_does_not_bring_a_removed_window_back(inner: Any) -> None:
    """The record that failed has not advanced the time, so the window is not closed for items that follow."""
    windows = rx.pipe(rs.data.roll_time("10ms", "10ms", time, inner), not_of_two())
    outputs, failures = fed(windows, [1, 2, 20, 3, 4, 5, 20, 40])
    assert [at for at, _ in failures] == [2]
    assert outputs == [(7, -1)]


class Item(NamedTuple):
    time: int
    is_fatal: bool = False
    """Whether the windows that contain it cannot complete."""
    is_bad: bool = False
    """Whether it fails itself."""


def accepted(item: Item) -> Item:
    if item.is_bad:
        raise ValueError("bad item")
    return item


def summed(window: tuple[int, int]) -> tuple[int, int]:
    total, fatal = window
    if fatal:
        raise ArithmeticError("fatal window")
    return total, 1


SUMS = rx.pipe(
    rs.ops.map(accepted),
    rs.ops.tee_map(
        rs.math.sum(lambda i: i.time, reduce=True), rs.math.sum(lambda i: 1 if i.is_fatal else 0, reduce=True)
    ),
    rs.ops.map(summed),
)
LISTED_SUMS = rx.pipe(
    rs.ops.map(accepted),
    rs.data.to_list(),
    rs.ops.map(lambda items: summed((sum(i.time for i in items), sum(i.is_fatal for i in items)))),
)


class Model:
    """The windows of one key: all items are kept, and each window is computed from them."""

    def __init__(self, window: int, stride: int) -> None:
        self.window, self.stride = window, stride
        self.items, self.removed = list[Item](), set[int]()
        self.newest: int | None = None
        self.outputs: list[tuple[int, Any]] = []
        self.failures: list[tuple[int, str]] = []

    def feed(self, at: int, item: Item) -> None:
        before = item.time if self.newest is None else self.newest
        now, results = max(before, item.time), list[tuple[int, Any]]()
        for number in range(self.closed(before) + 1, self.closed(now) + 1):
            start = number * self.stride
            inside = [other for other in self.items if start <= other.time < start + self.window]
            if not inside or number in self.removed:
                continue
            if any(other.is_fatal for other in inside):
                self.removed.add(number)
                self.failures.append((at, "fatal window"))
                return
            results.append((at, (sum(other.time for other in inside), 1)))
        if item.is_bad and self.is_open(item.time, now):
            self.failures.append((at, "bad item"))
            return
        if self.is_open(item.time, now):
            self.items.append(item)
        self.newest, self.outputs = now, self.outputs + results

    def closed(self, now: int) -> int:
        return (now - self.window) // self.stride

    def is_open(self, time: int, now: int) -> bool:
        return time // self.stride > self.closed(now) and time % self.stride < self.window


@st.composite
def records(draw: Any) -> list[Item]:
    now, items = 0, []
    for _ in range(draw(st.integers(0, 40))):
        now += draw(st.sampled_from([0, 1, 1, 2, 5, 11, 30]))
        failing = draw(st.sampled_from([{}, {}, {}, {"is_bad": True}, {"is_fatal": True}]))
        items.append(Item(now - draw(st.sampled_from([0, 0, 0, 3, 25])), **failing))
    return items


@pytest.mark.slow
@pytest.mark.parametrize("inner", [SUMS, LISTED_SUMS], ids=["merged", "listed"])
@pytest.mark.parametrize(("window", "stride"), [(10, 10), (12, 4), (4, 10), (15, 10)])
@examples(40)
@given(records())
def test_windows_fail_as_in_the_model(inner: Any, window: int, stride: int, items: list[Item]) -> None:
    model = Model(window, stride)
    for at, item in enumerate(items):
        model.feed(at, item)
    windows = rs.data.roll_time(f"{window}ms", f"{stride}ms", lambda i: i.time, inner)
    outputs, failures = fed(rs.ops.group_by(lambda _: "key", windows), items, Item)
    assert outputs == model.outputs
    assert [(at, next(text for text in ("fatal window", "bad item") if text in error)) for at, error in failures] == (
        model.failures
    )


def test_error_that_is_caught_removes_the_window() -> None:
    windows = rx.pipe(rs.data.roll_time("10ms", "10ms", time, COUNT), not_of_two(), rs.error.ignore())
    assert fed(windows, [*NUMBERS, 81, 100]) == ([(4, -1), (5, -1)], [])


def test_session_inside_an_idle_group_fails_alone() -> None:
    """The group completes at the next record, without the session that could not complete."""
    inner = rx.pipe(rs.data.roll_session("5ms", lambda i: i.time, COUNT, lateness="20ms"), not_of_two())
    groups = rs.ops.group_by(lambda i: i.is_fatal, inner, ttl="10ms", time_mapper=lambda i: i.time, idle="complete")
    items = [Item(1), Item(2), Item(10), Item(40, is_fatal=True), Item(41, is_fatal=True)]
    outputs, ((at, message),) = fed(groups, items, Item)
    assert (at, outputs) == (3, [(4, -1)])
    assert "when the session from 1 ms to 2 ms completed. The session is removed" in message
