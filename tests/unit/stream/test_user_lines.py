"""An error in a function of the user names its line, whatever operator calls it, in both engines."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NoReturn

import rx
import rx.operators

import makiserve.stream as rs
from makiserve.stream.columns.engine_choice import program_for
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from tests.loops import loop_over


def fails(*_: Any) -> NoReturn:
    raise LookupError("on purpose")


COUNT = [rs.ops.count(reduce=True)]
CALLERS: dict[str, Callable[[], Any]] = {
    "map": lambda: rs.ops.map(fails),
    "starmap": lambda: rx.pipe(rs.ops.map(lambda i: (i, i)), rs.ops.starmap(fails)),
    "filter": lambda: rs.ops.filter(fails),
    "do_action": lambda: rs.ops.do_action(fails),
    "assert_": lambda: rs.ops.assert_(fails, error=LookupError),  # noqa: PT009
    "scan": lambda: rs.ops.scan(fails, 0),
    "distinct": lambda: rs.ops.distinct(fails),
    "distinct_until_changed": lambda: rs.ops.distinct_until_changed(fails),
    "group_by": lambda: rs.ops.group_by(fails, COUNT),
    "group_by, time": lambda: rs.ops.group_by(str, COUNT, "1h", fails),
    "roll": lambda: rs.data.roll(1, 1, [rs.math.mean(fails, reduce=True)]),
    "roll_time": lambda: rs.data.roll_time("1s", "1s", fails, COUNT),
    "roll_trailing": lambda: rs.data.roll_trailing("1s", fails, COUNT),
    "roll_session": lambda: rs.data.roll_session("1s", fails, COUNT),
    "split": lambda: rs.data.split(fails, COUNT),
    "time_split": lambda: rs.data.time_split(fails, pipeline=COUNT),
    "time_split, closing": lambda: rs.data.time_split(lambda i: i, closing_mapper=fails, pipeline=COUNT),
    "sort": lambda: rs.data.roll(1, 1, [rs.data.sort(fails)]),
    "delta": lambda: rs.data.delta(fails),
    "head": lambda: rs.data.head(1, fails),
    "tail": lambda: rs.data.tail(1, fails),
    "sum": lambda: rs.math.sum(fails),
    "argmax": lambda: rs.math.argmax(fails),
    "top_k": lambda: rs.math.top_k(1, fails),
    "covariance": lambda: rs.math.covariance(fails),
    "quantile": lambda: rs.math.quantile(0.5, fails),
    "rate": lambda: rs.math.rate(fails),
    "ewm_mean": lambda: rs.math.ewm_mean(fails, alpha=0.5),
    "ewm_mean, time": lambda: rs.math.ewm_mean(halflife="1h", time_mapper=fails),
    "error.map": lambda: rx.pipe(rs.ops.map(lambda i: 1 / 0), rs.error.map(fails)),
    "rx map": lambda: rx.operators.map(fails),
    "rx scan": lambda: rx.operators.scan(fails),
}


@loop_over("make", CALLERS.values(), ids=CALLERS)
def test_error_in_a_function_names_its_line(make: Callable[[], Any]) -> None:
    plan = trace(make())
    for program in (Program(plan), program_for(plan)):
        failures = program.feed([1, 2, 3], program.new_state()).failures  # type: ignore[arg-type]
        assert failures
        for _, error in failures:
            assert str(error).endswith(
                f": on purpose ({__file__.rpartition('/')[2]}:{fails.__code__.co_firstlineno + 1})"
            )


def test_error_inside_a_library_names_the_line_that_calls_it() -> None:
    program = Program(trace(rs.data.time_split(lambda i: json.loads("{"), pipeline=COUNT)))
    ((_, error),) = program.feed([1], program.new_state()).failures
    assert f"({__file__.rpartition('/')[2]}:" in str(error)


def test_error_of_an_operator_itself_names_no_line() -> None:
    program = Program(trace(rs.data.decode("utf-8")))
    ((_, error),) = program.feed([b"\xff"], program.new_state()).failures
    assert str(error).startswith("decode")
    assert ".py:" not in str(error)
