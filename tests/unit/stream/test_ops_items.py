"""Operators on items: values worked by hand, and what a failing item leaves behind."""

from __future__ import annotations

import datetime as dt
from collections import namedtuple
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import msgspec
import numpy as np
import pytest
import rx

import makiserve.stream as rs
from makiserve.errors import PipelineError
from makiserve.stream.columns.engine_choice import program_for
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from tests.loops import loop_over
from tests.unit.stream.feed import emitted

Pair = namedtuple("Pair", ["a", "b"])


class Frozen(msgspec.Struct, frozen=True):
    value: Any = 0


class Open(msgspec.Struct):
    value: Any = 0


@dataclass(frozen=True)
class FrozenData:
    value: Any = 0


class Declared(msgspec.Struct, frozen=True):
    number: float | None = None
    kind: Literal["in", "out"] = "in"
    before: Declared | None = None
    pair: FrozenPair | None = None


@dataclass(frozen=True)
class FrozenPair:
    reads: ClassVar[int] = 0
    first: int = 0
    second: Annotated[dt.date | None, "a day"] = None

    def __getattribute__(self, name: str) -> Any:
        FrozenPair.reads += name in ("first", "second")
        return super().__getattribute__(name)


class Unresolved(msgspec.Struct, frozen=True):
    value: Missing  # type: ignore[name-defined]  # noqa: F821


@loop_over(
    ("seed", "is_copied"),
    [
        (0, False),
        (Pair(0, 1), False),
        (Frozen(), False),
        (Frozen(Frozen((1, "a"))), False),
        (FrozenData(), False),
        (FrozenData(Frozen()), False),
        ((Declared(1.0, before=Declared()), Declared(pair=FrozenPair())), False),
        (Unresolved(1), False),
        (np.float32(1), False),
        (np.zeros(1, "i4,i4")[0], True),
        ([], True),
        (Open(), True),
        (Frozen([]), True),
        (Frozen(Open()), True),
        (FrozenData({}), True),
        (([], 1), True),
        (Unresolved([]), True),
        (Pair(0, Frozen([])), True),
    ],
)
def test_scan_copies_the_accumulated_value_only_if_it_can_change(seed: Any, is_copied: bool) -> None:
    given: list[Any] = []

    def accumulate(accumulated: Any, item: int) -> Any:
        given.append(accumulated)
        return accumulated

    for program in (Program(trace(rs.ops.scan(accumulate, seed))), program_for(trace(rs.ops.scan(accumulate, seed)))):
        given.clear()
        state: Any = program.new_state()
        program.feed(range(3), state)
        assert (given[0] is not given[1]) == is_copied
        assert given == [seed] * 3


def test_scan_does_not_read_the_fields_of_many_records_for_each_item() -> None:
    """Records of declared numbers cannot change, so that nothing looks into each of those that are accumulated."""
    FrozenPair.reads = 0
    pipeline = rs.ops.scan(lambda pairs, item: (*pairs, FrozenPair(item)), ())
    programs: tuple[Any, ...] = (Program(trace(pipeline)), program_for(trace(pipeline)))
    for program in programs:
        program.feed(list(range(50)), program.new_state())
    assert FrozenPair.reads == 0


def appended(values: list[int] | None, item: int) -> list[int]:
    values = [] if values is None else values
    values.append(item)
    return values


def counted(values: tuple[int, list[int]], item: int) -> tuple[int, list[int]]:
    values[1].append(item)
    return values[0] + 1, values[1]


@loop_over(
    ("pipeline", "read"),
    [
        (rs.ops.scan(appended, None), list),
        (rs.ops.scan(lambda values, item: appended(None if values == 0 else values, item), 0), list),
        (rs.ops.scan(counted, (0, [])), lambda values: list(values[1])),
        (rs.ops.scan(lambda values, item: Frozen(appended(values.value, item)), Frozen(None)), lambda v: list(v.value)),
    ],
)
def test_scan_whose_values_can_change_later_keeps_nothing_of_a_failed_record(pipeline: Any, read: Any) -> None:
    """The seed cannot change, but the accumulated values can: records, keys and batches stay apart."""

    def checked(values: Any) -> list[int]:
        items: list[int] = read(values)
        if items[-1] == 2:
            raise ValueError(items)
        return items

    plan = trace(rs.ops.group_by(lambda item: item > 9, rx.pipe(pipeline, rs.ops.map(checked))))
    for program in (Program(plan), program_for(plan)):
        for size in (1, 2, 6):
            state: Any = program.new_state()
            given = [1, 2, 3, 10, 4, 11]
            fed = [program.feed(given[at : at + size], state) for at in range(0, len(given), size)]
            outputs = [output for batch in fed for output in batch.outputs]
            assert outputs == [[1], [1, 3], [10], [1, 3, 4], [10, 11]]


@loop_over(
    ("pipeline", "items", "expected"),
    [
        (rs.ops.starmap(lambda a, b=1: a * b), [(2, 3), (4,)], [6, 4]),
        (rs.ops.flat_map(), ["ab", "", "c"], ["a", "b", "c"]),
        (rs.ops.pairwise(), [None, 1, None], [(None, 1), (1, None)]),
        (rs.data.roll(2, 2, rs.ops.pairwise()), [1, 2, 3, 4], [(1, 2), (3, 4)]),
        (rs.ops.take(2), [1, 2, 3], [1, 2]),
        (rs.data.roll(3, 3, rs.ops.take(1)), [1, 2, 3, 4], [1, 4]),
        (rs.ops.distinct(), [1, 1.0, True, 2], [1, 2]),
        (rs.ops.distinct_until_changed(str.lower), list("aAbBa"), ["a", "b", "a"]),
        (rs.ops.start_with(iter([0])), [1, 2], [0, 1, 2]),
        (rs.ops.group_by(lambda i: i % 2, rs.ops.start_with([0])), [1, 3, 2], [0, 1, 3, 0, 2]),
        (rx.pipe(rs.ops.flat_map(), rs.data.roll(2, 2, [rs.math.sum(reduce=True)])), [[1, 2, 3], [4]], [3, 7]),
    ],
)
def test_operators_emit_the_expected_items(pipeline: Any, items: list[Any], expected: list[Any]) -> None:
    assert emitted(pipeline, items) == expected


@loop_over(
    ("fan", "record"),
    [
        (rs.ops.flat_map(), [3, 4, 5]),
        (rs.ops.start_with([3, 4]), 5),
        (rx.pipe(rs.ops.start_with([[3, 4]]), rs.ops.flat_map()), [5]),
        (rs.data.roll(2, 1, [rs.ops.flat_map()]), [3, 4, 5]),
        (rs.ops.group_by(str, [rs.ops.flat_map(), rs.ops.distinct()]), [3, 4, 5]),
    ],
)
@loop_over(
    "keep", [rs.math.sum, rs.ops.pairwise, lambda: rs.ops.take(4), rs.ops.distinct, rs.ops.distinct_until_changed]
)
@loop_over("refused_first", [True, False])
def test_an_element_that_fails_takes_back_the_elements_before_it(
    fan: Any, record: Any, keep: Any, refused_first: bool
) -> None:
    refuse = rs.ops.assert_(lambda item: item not in (5, 12, (4, 5)))  # noqa: PT009  5, or what is kept of it
    program = Program(trace(rx.pipe(fan, refuse, keep()) if refused_first else rx.pipe(fan, keep(), refuse)))
    state = program.new_state()
    fed = program.feed([record], state)
    assert [index for index, _ in fed.failures] == [0]
    assert fed.outputs == []
    checkpoints = Checkpoints(program)
    assert checkpoints.dump(state) == checkpoints.dump(program.new_state())


def test_an_assertion_names_itself_and_keeps_the_item_out_of_the_message() -> None:
    for step, message in [
        (rs.ops.assert_(lambda i: i < 2, name="small"), "assert small failed"),  # noqa: PT009  the operator
        (rs.ops.assert_1(lambda previous, i: i < previous, error=KeyError), "'assert failed'"),
    ]:
        program = Program(trace(step))
        ((index, error),) = program.feed([1, 4242], program.new_state()).failures
        assert index == 1
        assert str(error).endswith(message)
        assert "4242" not in str(error)
        assert error.item == 4242


def test_after_a_failed_assertion_the_next_item_meets_the_last_that_passed() -> None:
    program = Program(trace(rs.ops.assert_1(lambda previous, i: previous < i)))
    assert program.feed([1, 5, 3, 6], program.new_state()).outputs == [1, 5, 6]


def test_a_key_that_cannot_be_hashed_is_the_items_error() -> None:
    program = Program(trace(rs.ops.distinct()))
    fed = program.feed([[1], 1], program.new_state())
    assert fed.outputs == [1]
    assert "distinct: TypeError" in str(fed.failures[0][1])


def test_a_frame_is_made_of_named_tuples_or_of_named_columns() -> None:
    (frame,) = emitted(rs.ops.to_pandas(), [Pair(1, "x"), Pair(2, "y")])
    assert frame.to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}
    frames = emitted(rs.data.roll(2, 2, rs.ops.to_pandas(columns=["n"])), [1, 2, 3])
    assert [frame["n"].tolist() for frame in frames] == [[1, 2], [3]]
    errors: list[Exception] = []
    rx.of(1).pipe(rs.ops.to_pandas()).subscribe(on_error=errors.append)
    assert "columns" in str(errors[0])


def test_arrays_may_be_items() -> None:
    arrays = [np.array([1, 2]), np.array([3, 4])]
    assert [pair[1].tolist() for pair in emitted(rs.ops.pairwise(), arrays)] == [[3, 4]]
    assert len(emitted(rs.ops.distinct_until_changed(lambda i: i.sum()), arrays)) == 2


@loop_over(
    ("make", "words"),
    [
        (lambda: rs.ops.take(-1), "at least 0"),
        (lambda: rs.ops.progress("read", 0), "at least 1"),
        (rs.ops.with_latest_from, "at least one source"),
        (lambda: rs.state.with_store(object(), rs.ops.count()), "no other"),  # type: ignore[arg-type]
        (lambda: rs.state.with_memory_store(rs.ops.map), "factory"),
        (lambda: trace(rs.ops.on_subscribe(print)), "on_subscribe cannot be used .* no subscriptions"),
        (lambda: trace(rs.ops.with_latest_from(rx.of(1))), "with_latest_from cannot be used .* single source"),
        (lambda: rs.ops.group_by(abs, rs.ops.with_latest_from(rx.of(1))), "inside a group"),
        (lambda: rs.state.with_memory_store(rs.ops.on_subscribe(print)), "on_subscribe cannot be used"),
    ],
)
def test_wrong_arguments_are_refused(make: Any, words: str) -> None:
    with pytest.raises(PipelineError, match=words):
        make()
