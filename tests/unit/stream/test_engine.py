"""Tracing, plans, checkpoints, errors: what the contract suite does not reach."""

from __future__ import annotations

import math as stdlib
import random
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import rx
import rx.operators
from hypothesis import given
from hypothesis import strategies as st

import makiserve.stream as rs
from makiserve.errors import PipelineError, StateError
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.codec import Codec
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from tests.loops import loop_over


class Point(NamedTuple):
    x: float
    y: Any


def feed(pipeline: Any, items: Any) -> Sequence[Any]:
    program = Program(trace(pipeline))
    return program.feed(items, program.new_state()).outputs


def test_a_stateful_pipeline_on_a_plain_observable() -> None:
    sums: list[int] = []
    rx.from_([1, 2, 3, 4, 5, 6, 7, 8]).pipe(
        rs.state.with_memory_store(
            rx.pipe(
                rs.ops.group_by(
                    lambda i: i % 2 == 0,
                    rx.pipe(rs.data.roll(window=2, stride=2, pipeline=rs.math.sum(reduce=True))),
                )
            )
        )
    ).subscribe(sums.append)
    assert sums == [4, 6, 12, 14]


def test_operators_mix_with_those_of_rx_on_an_observable() -> None:
    source = rx.from_([1, 2, 3]).pipe(rs.ops.map(lambda i: i + 1), rx.operators.skip(1), rs.math.sum(reduce=True))
    assert source.run() == 7


def test_two_subscriptions_have_two_states() -> None:
    total = rx.from_([1, 2]).pipe(rs.math.sum(reduce=True))
    assert [total.run(), total.run()] == [3, 3]


def test_a_failing_function_ends_an_observable_with_its_error() -> None:
    errors: list[Exception] = []
    outputs: list[float] = []
    rx.from_([1, 0, 2]).pipe(rs.ops.map(lambda i: 1 / i)).subscribe(outputs.append, errors.append)
    assert outputs == [1.0]
    assert [type(error) for error in errors] == [ZeroDivisionError]


@pytest.mark.parametrize(
    ("pipeline", "words"),
    [
        (lambda: rs.ops.map, "factory"),
        (lambda: 3, "not int"),
        (lambda: rs.data.roll(0, 1), "at least 1"),
        (rs.ops.tee_map, "at least one"),
        (lambda: rs.ops.tee_map([], join="outer"), "zip, zip_longest, merge, combine_latest"),  # type: ignore[arg-type]
    ],
)
def test_object_that_is_not_a_pipeline_is_refused_with_advice(pipeline: Any, words: str) -> None:
    with pytest.raises(PipelineError, match=words):
        trace(pipeline())


def test_an_error_names_the_operator_and_keeps_the_item() -> None:
    pipeline = rs.ops.group_by(
        lambda i: 0,
        rs.data.roll(3, 1, rs.ops.tee_map(rs.ops.last(), [rs.ops.map(lambda i: 1 / i), rs.math.mean(reduce=True)])),
    )
    program = Program(trace(pipeline))
    (failure,) = program.feed([1, 0, 2], program.new_state()).failures
    index, error = failure
    assert index == 1
    assert error.operator == "group_by > roll(window=3, stride=1) > tee_map[1] > map"
    assert error.item == 0
    assert isinstance(error.__cause__, ZeroDivisionError)
    assert "division by zero" in str(error)


def test_an_error_that_does_not_come_back_is_still_an_error() -> None:
    calls: list[int] = []

    def once(item: int) -> int:
        calls.append(item)
        if len(calls) == 1:
            raise OSError("only once")
        return item

    program = Program(trace(rs.ops.map(once)))
    fed = program.feed([1], program.new_state())
    assert fed.outputs == []
    assert "only once" in str(fed.failures[0][1])


@loop_over(("window", "stride"), [(1, 1), (6, 4), (7, 3), (5, 5), (2, 5), (360, 60)])
def test_sliced_windows_agree_with_the_general_way(window: int, stride: int) -> None:
    chance = random.Random(window * stride)
    numbers = [chance.gauss(1e6, 1e-3) for _ in range(1000)]
    general = rs.ops.scan(lambda a, i: (*a, i), (), reduce=True)
    fast: Any = trace(rs.data.roll(window, stride, [rs.math.stddev(reduce=True)])).operators[0]
    slow: Any = trace(rs.data.roll(window, stride, general)).operators[0]
    assert fast.is_sliced
    assert not slow.is_sliced
    sliced = feed(rs.data.roll(window, stride, [rs.math.stddev(reduce=True)]), numbers)
    windows = feed(rs.data.roll(window, stride, general), numbers)
    expected = [float(np.std(items, ddof=1)) if len(items) > 1 else 0.0 for items in windows]
    assert sliced == pytest.approx(expected, rel=1e-12)


def test_sums_are_compensated() -> None:
    numbers = [0.1] * 100_000 + [1e15, 1.0, -1e15]
    assert feed(rs.math.sum(), numbers)[-1] == pytest.approx(stdlib.fsum(numbers), rel=1e-15)
    (windowed,) = feed(rs.data.roll(100_003, 100_003, [rs.math.sum(reduce=True)]), numbers)
    assert windowed == pytest.approx(stdlib.fsum(numbers), rel=1e-15)


def test_sums_of_infinities_are_infinite() -> None:
    assert feed(rs.math.sum(), [1.0, float("inf"), 2.0])[-1] == float("inf")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.tuples(inner, inner) | st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_values_survive_the_codec(value: Any) -> None:
    codec = Codec({})
    decoded = codec.from_plain(codec.to_plain(value))
    assert decoded == value
    assert type(decoded) is type(value)


@loop_over(
    "value",
    [
        Point(1, Point(2, [3])),
        {1, 2},
        frozenset("a"),
        deque([1, 2], maxlen=3),
        2**70,
        1 + 2j,
        Decimal("1.10"),
        datetime(2026, 1, 2, tzinfo=timezone.utc),
        timedelta(days=1, microseconds=3),
        np.float64(1.5),
        {(1, 2): "key"},
    ],
    ids=repr,
)
def test_state_keeps_its_types(value: Any) -> None:
    codec = Codec({"Point": Point})
    decoded = codec.from_plain(codec.to_plain(value))
    assert decoded == value
    assert type(decoded) is type(value)


def test_arrays_survive_the_codec() -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    codec = Codec({})
    decoded = codec.from_plain(codec.to_plain(array))
    assert decoded.dtype == array.dtype
    assert (decoded == array).all()


def test_a_type_without_a_code_is_refused_by_the_operators_name() -> None:
    program = Program(trace(rs.ops.group_by(lambda i: i, [rs.ops.map(Path), rs.ops.scan(lambda a, i: i, None)])))
    state = program.new_state()
    program.feed(["x"], state)
    with pytest.raises(StateError, match=r"group_by > scan.*PosixPath"):
        Checkpoints(program).dump(state)


def test_a_checkpoint_of_another_plan_is_refused_with_both_plans() -> None:
    rolling, running = Program(trace(rs.data.roll(3, 1, [rs.math.sum(reduce=True)]))), Program(trace(rs.math.sum()))
    checkpoint = Checkpoints(rolling).dump(rolling.new_state())
    with pytest.raises(StateError, match=r"(?s)another pipeline.*roll\(window=3.*This is:\nsum"):
        Checkpoints(running).load(checkpoint)


@pytest.mark.parametrize("damage", [b"", b"\x00", b"nonsense", b"\x94\x01\xa1x\xa1y\x90"])
def test_a_damaged_checkpoint_is_refused(damage: bytes) -> None:
    program = Program(trace(rs.math.sum()))
    with pytest.raises(StateError):
        Checkpoints(program).load(damage)


def test_the_fingerprint_changes_with_the_shape_of_the_state() -> None:
    plans = [
        trace(rs.data.roll(3, 1, [rs.math.sum(reduce=True)])),
        trace(rs.data.roll(3, 2, [rs.math.sum(reduce=True)])),
        trace(rs.data.roll(3, 1, [rs.math.mean(reduce=True)])),
        trace(rs.data.roll(3, 1, [rs.ops.map(abs), rs.math.sum(reduce=True)])),
    ]
    assert len({plan.fingerprint for plan in plans}) == len(plans)
    assert plans[0].fingerprint == trace(rs.data.roll(3, 1, [rs.math.sum(lambda i: i, reduce=True)])).fingerprint
