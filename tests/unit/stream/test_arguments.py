"""An argument of the wrong kind is refused when the operator is made, in the operator's words."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import rx

import makiserve.stream as rs
from makiserve.errors import PipelineError
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace, trace_factory
from tests.loops import loop_over

SCHEMA = pa.schema({"a": pa.int64()})

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
    "argmax: key_mapper": rs.math.argmax,
    "top_k: key_mapper": lambda wrong: rs.math.top_k(2, wrong),
    "tail: key_mapper": lambda wrong: rs.data.tail(2, wrong),
    "quantile: key_mapper": lambda wrong: rs.math.quantile(0.5, wrong),
    "error.map: mapper": rs.error.map,
    "split: predicate": rs.data.split,
    "roll_time: time_mapper": lambda wrong: rs.data.roll_time("1h", "1h", wrong),
    "roll_trailing: time_mapper": lambda wrong: rs.data.roll_trailing("1h", wrong, [rs.ops.count(reduce=True)]),
    "roll_session: time_mapper": lambda wrong: rs.data.roll_session("1h", wrong, [rs.ops.count(reduce=True)]),
    "time_split: time_mapper": lambda wrong: rs.data.time_split(wrong, pipeline=[rs.ops.count()]),
}


@loop_over("wrong", ["temperature", 3, [abs]], ids=repr)
@loop_over("name", CALLED)
def test_argument_that_is_not_a_function_is_refused(name: str, wrong: Any) -> None:
    with pytest.raises(PipelineError, match=rf"^{name} must be a function"):
        CALLED[name](wrong)


@pytest.mark.parametrize(("window", "stride"), [("6h", 1), (6, "1h"), (6.0, 1), (None, 1)])
def test_a_window_of_items_is_a_number(window: Any, stride: Any) -> None:
    with pytest.raises(PipelineError, match=r"^roll: (window|stride), a number of items, must be.*roll_time"):
        rs.data.roll(window, stride)


COUNTED: dict[str, tuple[Callable[[Any], Any], int]] = {
    "roll: window, a number of items,": (lambda number: rs.data.roll(number, 1), 1),
    "roll: stride, a number of items,": (lambda number: rs.data.roll(1, number), 1),
    "batch: batch_size": (rs.data.batch, 1),
    "lag: size": (rs.data.lag, 1),
    "delta: size": (lambda number: rs.data.delta(size=number), 1),
    "pad_start: size": (rs.data.pad_start, 0),
    "pad_end: size": (rs.data.pad_end, 0),
    "take: count": (rs.ops.take, 0),
    "head: count": (rs.data.head, 1),
    "tail: count": (rs.data.tail, 1),
    "top_k: k": (rs.math.top_k, 1),
    "progress: threshold": (lambda number: rs.ops.progress("read", number), 1),
    "train_test_split: sampling_size": (lambda number: rs.data.train_test_split(0.5, number), 1),
    "dist.update: bin_count": (rs.math.dist.update, 1),
    "dist.histogram: bin_count": (rs.math.dist.histogram, 1),
    "mean: min_periods": (lambda number: rs.math.mean(min_periods=number), 1),
    "length_prefix: prefix_size": (rs.framing.length_prefix.frame, 1),
    "json.load: skip": (rs.container.json.load, 0),
    "csv.load: skip": (lambda number: rs.container.csv.load(skip=number), 0),
    "csv.load_from_file: skip": (lambda number: rs.container.csv.load_from_file("file", skip=number), 0),
    "parquet.load_from_file: batch_size": (lambda number: rs.container.parquet.load_from_file("file", number), 1),
    "parquet.dump_to_file: batch_size": (lambda number: rs.container.parquet.dump_to_file("file", SCHEMA, number), 1),
    "parquet.dump_to_file: row_group_size": (
        lambda number: rs.container.parquet.dump_to_file("file", SCHEMA, row_group_size=number),
        1,
    ),
    "io.read: size": (lambda number: rs.io.read("file", size=number), 1),
}
"""The operators that take a number of items or bytes, and the minimum."""


@loop_over("wrong", ["3", 2.0, float("nan"), True, [1], -1], ids=repr)
@loop_over("name", COUNTED)
def test_count_of_the_wrong_kind_is_refused(name: str, wrong: Any) -> None:
    make, least = COUNTED[name]
    with pytest.raises(PipelineError, match=rf"^{re.escape(name)} must be an integer of at least {least}, not "):
        make(wrong)


@loop_over("name", COUNTED)
def test_count_may_be_of_numpy_and_as_small_as_the_minimum(name: str) -> None:
    make, least = COUNTED[name]
    make(np.int64(least))
    with pytest.raises(PipelineError, match="must be an integer"):
        make(least - 1)


SHARES: dict[str, Callable[[Any], Any]] = {
    "quantile: q": rs.math.quantile,
    "dist.quantile: value": rs.math.dist.quantile,
    "dist.describe: a quantile": lambda number: rs.math.dist.describe([number]),
    "train_test_split: test_ratio": rs.data.train_test_split,
}


@loop_over("wrong", ["0.5", None, 1.5, -0.1, float("nan"), True], ids=repr)
@loop_over("name", SHARES)
def test_share_of_the_wrong_kind_is_refused(name: str, wrong: Any) -> None:
    with pytest.raises(PipelineError, match=rf"^{name} must be a number between 0 and 1, not "):
        SHARES[name](wrong)


@loop_over("wrong", ["2", 0, -1, float("nan"), [1]], ids=repr)
@loop_over("name", ["alpha", "halflife"])
def test_decay_of_the_wrong_kind_is_refused(name: str, wrong: Any) -> None:
    with pytest.raises(PipelineError, match=rf"^ewm_mean: {name} must be a number greater than 0"):
        rs.math.ewm_mean(**{name: wrong})


@loop_over("wrong", ["soon", -1, True, timedelta(seconds=-1)], ids=repr)
@loop_over("name", ["active_timeout", "inactive_timeout"])
def test_timeout_of_the_wrong_kind_is_refused(name: str, wrong: Any) -> None:
    with pytest.raises(PipelineError, match=rf"^time_split: {name}"):
        rs.data.time_split(lambda item: item, pipeline=[rs.ops.count()], **{name: wrong})


ITERATED: dict[str, Callable[[Any], Any]] = {
    "start_with: padding": rs.ops.start_with,
    "from_iterable: iterable": rs.ops.from_iterable,
    "dist.describe: quantiles": rs.math.dist.describe,
}


@loop_over("wrong", [rx.interval(1), rx.of(1), 3], ids=lambda wrong: type(wrong).__name__)
@loop_over("name", ITERATED)
def test_observable_is_not_iterated_over(name: str, wrong: Any) -> None:
    """Observables can be indexed without an end, so `for` and `tuple` would never return."""
    with pytest.raises(PipelineError, match=rf"^{name} must be a list or another iterable of items, not "):
        ITERATED[name](wrong)


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
    "an Observable": (lambda: rx.interval(1), "expected a pipeline.*not Observable"),
    "a list of Observables": (lambda: [rx.interval(1)], "did not return a pipeline"),
    "a factory in a factory": (lambda: with_return, "did not return a pipeline|is it a factory"),
}


@loop_over(("factory", "words"), FACTORIES.values(), ids=FACTORIES.keys())
def test_argument_that_is_not_a_pipeline_factory_is_refused(factory: Any, words: str) -> None:
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
