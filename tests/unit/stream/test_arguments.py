"""An argument of the wrong kind is refused when the operator is made, in the operator's words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import makiserve.stream as rs
from makiserve.errors import PipelineError
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace, trace_factory

CALLED: dict[str, Callable[[Any], Any]] = {
    "map: mapper": rs.ops.map,
    "filter: predicate": rs.ops.filter,
    "starmap: mapper": rs.ops.starmap,
    "scan: accumulator": lambda wrong: rs.ops.scan(wrong, 0),
    "group_by: key_mapper": rs.ops.group_by,
    "assert_: predicate": rs.ops.assert_,
    "mean: key_mapper": rs.math.mean,
    "sum: key_mapper": rs.math.sum,
    "max: key_mapper": rs.math.max,
    "quantile: key_mapper": lambda wrong: rs.math.quantile(0.5, wrong),
    "error.map: mapper": rs.error.map,
    "split: predicate": rs.data.split,
    "roll_time: time_mapper": lambda wrong: rs.data.roll_time("1h", "1h", wrong),
    "time_split: time_mapper": lambda wrong: rs.data.time_split(wrong, pipeline=[rs.ops.count()]),
}


@pytest.mark.parametrize("wrong", ["temperature", 3, [abs]], ids=repr)
@pytest.mark.parametrize("name", CALLED)
def test_what_is_not_a_function_is_refused(name: str, wrong: Any) -> None:
    with pytest.raises(PipelineError, match=rf"^{name} must be a function"):
        CALLED[name](wrong)


@pytest.mark.parametrize(("window", "stride"), [("6h", 1), (6, "1h"), (6.0, 1), (None, 1)])
def test_a_window_of_items_is_a_number(window: Any, stride: Any) -> None:
    with pytest.raises(PipelineError, match=r"^roll: (window|stride) is a number of items.*roll_time"):
        rs.data.roll(window, stride)


def without_return() -> Any:
    rs.ops.map(abs)


def with_return() -> Any:
    return rs.ops.map(abs)


FACTORIES: dict[str, tuple[Any, str]] = {
    "no return": (without_return, r"without_return\(\) at test_arguments.py:\d+ returned None.*`return`"),
    "called": (with_return(), r"must be a function without arguments.*Pass the function itself"),
    "a list": ([rs.ops.map(abs)], "must be a function that returns a pipeline.*not list"),
    "a name": ("features", "must be a function that returns a pipeline.*not str"),
    "None": (None, "must be a function that returns a pipeline"),
    "a number": (lambda: 3, "expected a pipeline"),
    "a factory in a factory": (lambda: with_return, "did not return a pipeline|is it a factory"),
}


@pytest.mark.parametrize(("factory", "words"), FACTORIES.values(), ids=FACTORIES.keys())
def test_what_is_not_a_factory_of_a_pipeline_is_refused(factory: Any, words: str) -> None:
    with pytest.raises(PipelineError, match=words):
        trace_factory(factory)


attribute = lambda item: item.no  # noqa: E731  a function as users write it


def broken(number: int) -> float:
    return helper(number)


def helper(number: int) -> float:
    return 1 / number


@pytest.mark.parametrize("place", [lambda node: node, lambda node: rs.ops.group_by(str, [rs.ops.identity(), node])])
def test_an_error_names_the_line_of_the_users_function(place: Callable[[Any], Any]) -> None:
    def words(mapper: Any) -> str:
        program = Program(trace(place(rs.ops.map(mapper))))
        return str(program.feed([0], program.new_state()).failures[0][1])

    line = helper.__code__.co_firstlineno + 1
    assert words(broken).endswith(f"map: ZeroDivisionError: division by zero (test_arguments.py:{line})")
    unknown = attribute.__code__.co_firstlineno
    assert words(attribute).endswith(f"has no attribute 'no' (test_arguments.py:{unknown})")


def test_an_error_of_a_library_names_no_line() -> None:
    program = Program(trace(rs.ops.map(len)))
    assert str(program.feed([0], program.new_state()).failures[0][1]).endswith("of type 'int' has no len()")
