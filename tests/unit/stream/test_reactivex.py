"""Pipelines of reactivex: every operator between its operators, and makiserve with only one of the two libraries."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import reactivex
import rx
from reactivex import operators

import makiserve.stream as rs
from makiserve.errors import PipelineError
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from tests.loops import loop_over
from tests.unit.stream.cases import CASES, NUMBERS

MAKES = {f"{name}#{number}": make for name, makes in CASES.items() for number, make in enumerate(makes)}
each_case = loop_over("make", MAKES.values(), ids=MAKES)


def same(item: Any) -> Any:
    return item


def between(make: Callable[[], Any]) -> Callable[[Any], Any]:
    """Return the operator between two operators of reactivex that change nothing."""
    return reactivex.compose(operators.map(same), make(), operators.filter(lambda item: True))


def notifications(stream: Any) -> list[str]:
    notified: list[str] = []
    stream.subscribe(
        lambda item: notified.append(repr(item)),
        lambda error: notified.append(repr(error)),
        lambda: notified.append("|"),
    )
    return notified


@pytest.mark.slow
@each_case
def test_operator_emits_the_same_on_an_observable_of_reactivex(make: Callable[[], Any]) -> None:
    expected = notifications(rx.from_(NUMBERS).pipe(make()))
    assert notifications(reactivex.from_(NUMBERS).pipe(between(make))) == expected


@pytest.mark.slow
@each_case
def test_operator_emits_the_same_in_a_traced_pipeline_of_reactivex(make: Callable[[], Any]) -> None:
    results = []
    for pipeline in (make(), between(make)):
        program = Program(trace(pipeline))
        state = program.new_state()
        fed = program.feed(NUMBERS, state)
        results.append(repr((fed.outputs, fed.causes, fed.failures, program.complete(state))))
    assert results[0] == results[1]


def test_result_is_an_observable_of_both_libraries() -> None:
    stream = reactivex.of(1, 2, 3).pipe(rs.math.sum(reduce=True))
    assert isinstance(stream, reactivex.Observable)
    assert isinstance(stream, rx.Observable)
    assert stream.run() == rs.run(stream) == 6


def test_operators_applied_to_each_other_name_compose() -> None:
    with pytest.raises(PipelineError, match=r"map was applied to function .* reactivex\.compose"):
        reactivex.pipe(rs.math.sum(), rs.ops.map(same))


PROGRAM = """
import sys
sys.modules["{absent}"] = None
from typing import NamedTuple
import {present}
from {present} import operators
import makiserve, makiserve.stream as rs
from makiserve.testing import assert_repeatable
class House(makiserve.Record):
    kwh: float
class Features(NamedTuple):
    total: float
def features():
    return {compose}(operators.map(lambda i: i.kwh), rs.math.sum(), rs.ops.map(lambda total: Features(total)))
assert_repeatable(features, [House(1.0), House(2.0)], record=House, rounds=1)
print({present}.of(1, 2).pipe(rs.math.sum(reduce=True)).run())
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("present", "absent", "compose"), [("rx", "reactivex", "rx.pipe"), ("reactivex", "rx", "reactivex.compose")]
)
def test_one_library_is_enough(present: str, absent: str, compose: str) -> None:
    program = PROGRAM.format(present=present, absent=absent, compose=compose)
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.returncode) == ("3\n", 0), ran.stderr


def test_without_either_library_the_error_names_both() -> None:
    program = "import sys; sys.modules.update(rx=None, reactivex=None); import makiserve.stream"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "pip install rx, or pip install reactivex" in ran.stderr
