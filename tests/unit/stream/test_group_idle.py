"""Groups that complete when they are idle: by a model, with items and groups that fail, cut anywhere."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
import rx
from hypothesis import given
from hypothesis import strategies as st

import makiserve.stream as rs
from makiserve.errors import PipelineError
from makiserve.stream.columns.engine_choice import explain, keys_of
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.parts import Parts
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from tests.examples import examples

TTL = 10


class Item(NamedTuple):
    key: Any
    time: int
    is_bad: bool = False
    """Whether it fails itself."""
    is_fatal: bool = False
    """Whether its group cannot complete."""


def accepted(item: Item) -> Item:
    if item.is_bad:
        raise ValueError("bad item")
    return item


def result(items: list[Item]) -> tuple[Any, list[int]]:
    if any(item.is_fatal for item in items):
        raise ArithmeticError("fatal group")
    return items[0].key, [item.time for item in items]


def groups(*inner: Any, ttl: int = TTL, key: Any = lambda item: item.key) -> Any:
    pipeline = inner or (rs.ops.map(accepted), rs.data.to_list(), rs.ops.map(result))
    return rs.ops.group_by(
        key, list(pipeline), ttl=timedelta(milliseconds=ttl), time_mapper=lambda item: item.time, idle="complete"
    )


class Group(NamedTuple):
    number: int
    seen: int
    items: list[Item]


class Model:
    """A model of a lane, with a copy of all groups for each record."""

    def __init__(self) -> None:
        self.groups: dict[Any, Group] = {}
        self.latest, self.begun = -(10**9), 0
        self.outputs: list[tuple[int, Any]] = []
        self.failures: list[tuple[int, str]] = []

    def feed(self, index: int, item: Item) -> None:
        now, remaining, completed = max(self.latest, item.time), dict(self.groups), []
        for key, group in sorted(self.groups.items(), key=lambda entry: (entry[1].seen, entry[1].number)):
            if now - group.seen > TTL:
                del remaining[key]
                if any(other.is_fatal for other in group.items):
                    del self.groups[key]
                    self.failures.append((index, "fatal group"))
                    return
                completed.append((index, result(group.items)))
        if item.is_bad:
            self.failures.append((index, "bad item"))
            return
        self.begun += item.key not in remaining
        number, _, items = remaining.get(item.key, Group(self.begun, now, []))
        remaining[item.key] = Group(number, now, [*items, item])
        self.groups, self.latest, self.outputs = remaining, now, self.outputs + completed

    def complete(self) -> list[Any]:
        return [result(group.items) for group in sorted(self.groups.values())]


@st.composite
def records(draw: Any) -> list[Item]:
    now, items = 0, []
    for _ in range(draw(st.integers(0, 40))):
        now += draw(st.sampled_from([0, 1, 1, 2, 5, 11, 30]))
        late = draw(st.sampled_from([0, 0, 0, 3, 25]))
        failing = draw(st.sampled_from([{}, {}, {}, {}, {"is_bad": True}, {"is_fatal": True}]))
        items.append(Item(draw(st.sampled_from("abcdef")), now - late, **failing))
    return items


@examples(300)
@given(records(), st.data())
def test_idle_groups_complete_as_in_the_model_wherever_the_stream_is_cut(items: list[Item], data: Any) -> None:
    program, model = Program(trace(groups()), is_tracked=True), Model()
    checkpoints = Checkpoints(program, (Item,))
    parts, saved = Parts(checkpoints), list[bytes]()
    state, start, outputs, failures = program.new_state(), 0, list[tuple[int, Any]](), list[tuple[int, str]]()
    while start < len(items):
        size = data.draw(st.integers(1, 6))
        fed = program.feed(items[start : start + size], state)
        outputs += [(start + cause, output) for cause, output in zip(fed.causes, fed.outputs, strict=True)]
        failures += [(start + index, str(error.__cause__)) for index, error in fed.failures]
        start += size
        saved += parts.take(state, is_whole=not saved)
        restored = data.draw(st.sampled_from(["kept", "whole", "parts"]))
        before = checkpoints.dump(state)
        if restored == "whole":
            state = checkpoints.load(before)
            saved = []
        elif restored == "parts":
            state = parts.join(saved)
        assert checkpoints.dump(state) == before
    for index, item in enumerate(items):
        model.feed(index, item)
    assert (outputs, failures) == (model.outputs, model.failures)
    if not any(item.is_fatal for group in model.groups.values() for item in group.items):
        assert program.complete(state) == model.complete()


def fed(pipeline: Any, items: list[Item]) -> tuple[list[tuple[int, Any]], list[tuple[int, str]], Any]:
    program = Program(trace(pipeline))
    state = program.new_state()
    outputs, causes, failures = program.feed(items, state)
    return list(zip(causes, outputs, strict=True)), [(index, str(error)) for index, error in failures], state


def test_group_completes_at_the_first_item_of_any_key_after_its_ttl() -> None:
    outputs, _, _ = fed(groups(), [Item("a", 0), Item("b", 10), Item("b", 11), Item("a", 12), Item("a", 30)])
    assert outputs == [(2, ("a", [0])), (4, ("b", [10, 11])), (4, ("a", [12]))]


def test_item_of_an_idle_key_completes_its_group_and_begins_another() -> None:
    outputs, _, _ = fed(groups(), [Item("a", 0), Item("a", 11), Item("a", 22)])
    assert outputs == [(1, ("a", [0])), (2, ("a", [11]))]


def test_late_item_keeps_its_group() -> None:
    outputs, _, _ = fed(groups(), [Item("a", 0), Item("b", 9), Item("a", 1), Item("b", 12), Item("b", 20)])
    assert outputs == [(4, ("a", [0, 1]))]


def test_open_sessions_and_windows_of_a_silent_key_are_emitted() -> None:
    count = [rs.ops.count(reduce=True)]
    for windows in (
        rs.data.roll_session("5ms", lambda item: item.time, count),
        rs.data.time_split(lambda item: item.time, inactive_timeout=5, pipeline=count),
        rs.data.roll_time("10ms", "10ms", lambda item: item.time, count),
    ):
        outputs, _, _ = fed(groups(windows), [Item("a", 1), Item("a", 2), Item("b", 13)])
        assert outputs == [(2, 2)]


def test_completed_groups_come_before_the_output_of_the_record() -> None:
    inner = rs.ops.tee_map(rs.ops.map(lambda item: ("item", item.time)), rs.ops.count(reduce=True), join="merge")
    outputs, _, _ = fed(groups(inner), [Item("a", 0), Item("b", 20)])
    assert outputs == [(0, ("item", 0)), (1, 1), (1, ("item", 20))]


def test_group_that_cannot_complete_fails_one_record_and_is_gone() -> None:
    items = [Item("a", 0, is_fatal=True), Item("b", 1), Item("c", 20), Item("c", 21), Item("a", 22)]
    outputs, failures, _ = fed(groups(), items)
    assert outputs == [(3, ("b", [1]))]
    ((index, message),) = failures
    assert index == 2
    error = r"ArithmeticError: fatal group \(test_group_idle\.py:\d+\)"
    assert re.search(rf"{error}, when the idle group of key 'a' completed\. The group is removed", message)


def test_group_that_cannot_complete_is_gone_if_its_error_is_caught() -> None:
    caught = rx.pipe(groups(), rs.error.ignore())
    items = [Item("a", 0, is_fatal=True), Item("b", 20), Item("b", 21), Item("c", 40)]
    assert fed(caught, items)[:2] == ([(3, ("b", [21]))], [])


def test_error_that_is_caught_inside_the_group_removes_nothing_else() -> None:
    inner = (rs.data.to_list(), rs.ops.map(result), rs.error.map(lambda error: repr(error)))
    items = [Item("a", 0, is_fatal=True), Item("b", 20)]
    assert fed(groups(*inner), items)[:2] == ([(1, "ArithmeticError('fatal group')")], [])


def test_group_is_kept_if_another_group_downstream_cannot_complete() -> None:
    """Both are removed for the same record; only the group whose own completion failed stays removed."""
    items = [
        Item("x", 0, is_fatal=True),
        *(Item(key, time) for key, time in (("y", 20), ("z", 40), ("z", 60), ("z", 80))),
    ]
    outputs, failures, _ = fed(rx.pipe(groups(rs.ops.last()), groups()), items)
    assert [index for index, _ in failures] == [2]
    assert "group of key 'x'" in failures[0][1]
    assert outputs == [(4, ("y", [20]))]


def test_record_that_is_pushed_several_times_and_fails_leaves_no_trace() -> None:
    program = Program(trace(rx.pipe(rs.ops.flat_map(), groups())))
    state, clean = program.new_state(), program.new_state()
    first = [Item("a", 0), Item("b", 5), Item("c", 9)]
    failing = [Item("b", 12), Item("a", 21), Item("b", 22), Item("d", 50, is_bad=True)]
    last = [Item("c", 14), Item("b", 16), Item("d", 60)]
    assert program.feed([first, failing], state).failures
    program.feed([first], clean)
    checkpoints = Checkpoints(program, (Item,))
    assert checkpoints.dump(state) == checkpoints.dump(clean)
    assert program.feed([last], state) == program.feed([last], clean)


def test_group_that_begins_and_cannot_complete_at_one_record_is_undone() -> None:
    program = Program(trace(rx.pipe(rs.ops.flat_map(), groups())))
    state = program.new_state()
    before = Checkpoints(program).dump(state)
    assert program.feed([[Item("a", 0, is_fatal=True), Item("b", 20)]], state).failures
    assert Checkpoints(program).dump(state) == before


def test_keys_of_different_types_are_never_compared() -> None:
    keys = ["a", 1, None, (1, "b"), float("nan"), 2.5, b"c"]
    outputs, failures, _ = fed(groups(), [*(Item(key, 0) for key in keys), Item("z", 11)])
    assert failures == []
    assert [key for _, (key, _) in outputs] == keys


def test_items_that_fail_do_not_make_the_queue_longer() -> None:
    program = Program(trace(groups()))
    state = program.new_state()
    for time in range(0, 2000, 5):
        program.feed([Item("a", time), Item("b", time + 3, is_bad=True), Item("c", time + 2, is_bad=True)], state)
    assert max(len(slot) for slot in state if isinstance(slot, list)) <= 10


def test_times_far_away_complete_all_groups() -> None:
    outputs, failures, _ = fed(groups(), [Item("a", -(10**30)), Item("b", 0), Item("c", 10**30), Item("d", 5)])
    assert outputs == [(1, ("a", [-(10**30)])), (2, ("b", [0]))]
    assert failures == []


@pytest.mark.parametrize("wrong", ["close", True, None])
def test_unknown_idle_policy_is_refused(wrong: Any) -> None:
    with pytest.raises(PipelineError, match=r"^group_by: idle must be 'forget', or 'complete' together with a ttl"):
        rs.ops.group_by(abs, [rs.ops.count()], ttl="1h", time_mapper=abs, idle=wrong)


def test_completing_groups_need_a_ttl() -> None:
    with pytest.raises(PipelineError, match=r"^group_by: idle must be .*'complete' together with a ttl"):
        rs.ops.group_by(abs, [rs.ops.count()], idle="complete")


def test_completing_groups_depend_on_all_keys_and_stay_with_the_row_engine() -> None:
    plan = trace(groups(rs.ops.count(reduce=True)))
    assert keys_of(plan) is None
    assert str(explain(plan).rows_because).endswith("groups that complete when they are idle have no columnar form")
