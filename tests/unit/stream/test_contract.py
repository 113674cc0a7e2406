"""The contract of operators: one suite over every operator, in every place. None is exempt."""

from __future__ import annotations

import doctest
import importlib
from operator import attrgetter
from typing import Any

import pytest
import rx

import makiserve.stream as rs
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.parts import Parts
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from tests.loops import loop_over
from tests.unit.stream.cases import CASES, NUMBERS, UNTRACED, each_pipeline
from tests.unit.stream.feed import while_failing

FILES = ("io", "container.csv", "container.json", "container.parquet")
BYTES = ("framing.line", "framing.length_prefix", "compression.z", "compression.zstd")
MODULES = ("ops", "data", "math", "math.formal", "math.dist", "state", "error", *FILES, *BYTES)
VOCABULARY = [f"{module}.{name}" for module in MODULES for name in attrgetter(module)(rs).__all__]


def run(program: Program, items: list[Any], state: Any = None) -> tuple[list[tuple[int, Any]], Any]:
    state = program.new_state() if state is None else state
    fed = program.feed(items, state)
    assert not fed.failures
    return list(zip(fed.causes, fed.outputs, strict=True)), state


def test_every_operator_has_a_case() -> None:
    assert set(VOCABULARY) == set(CASES) | set(UNTRACED)
    assert not set(CASES) & set(UNTRACED)


@loop_over("name", VOCABULARY)
def test_the_example_in_every_docstring_is_true(name: str) -> None:
    module, _, public = name.rpartition(".")
    operator = getattr(importlib.import_module(f"makiserve.stream.{module}"), public)
    tests = doctest.DocTestFinder().find(operator, name, globs={})
    results = [doctest.DocTestRunner().run(test) for test in tests]
    assert sum(result.attempted for result in results) > 0
    assert not any(result.failed for result in results)
    for word in ("```", "*Emits*", "*State*"):
        assert word in operator.__doc__ or name in UNTRACED or name.startswith("state."), f"{name} has no {word}"


@pytest.mark.slow
@each_pipeline
def test_a_cut_anywhere_changes_nothing(make: Any) -> None:
    program = Program(trace(make()))
    whole, end = run(program, NUMBERS)
    checkpoints = Checkpoints(program, (type(NUMBERS),))
    other = Program(trace(make()))
    for cut in range(len(NUMBERS) + 1):
        head, state = run(program, NUMBERS[:cut])
        restored = Checkpoints(other).load(checkpoints.dump(state))
        tail, last = run(other, NUMBERS[cut:], restored)
        assert head + [(cut + cause, output) for cause, output in tail] == whole
        assert checkpoints.dump(last) == checkpoints.dump(end)
        assert other.complete(last) == program.complete(run(program, NUMBERS)[1])


@pytest.mark.slow
@each_pipeline
def test_a_state_taken_apart_at_every_record_is_the_state(make: Any) -> None:
    """Only parts that a record touches may change: all others stay as they were taken before."""
    tracked, whole = Program(trace(make()), is_tracked=True), Program(trace(make()))
    checkpoints = Checkpoints(tracked, (type(NUMBERS),))
    parts, saved = Parts(checkpoints), list[bytes]()
    state = tracked.new_state()
    expected, _ = run(whole, NUMBERS)
    actual = []
    for index, number in enumerate(NUMBERS):
        outputs, _ = run(tracked, [number], state)
        actual += [(index, output) for _, output in outputs]
        saved += parts.take(state, is_whole=index == 0)
        assert checkpoints.dump(parts.join(saved)) == checkpoints.dump(state)
        state = parts.join(saved)
    assert actual == expected


@each_pipeline
def test_a_plain_observable_gives_what_a_lane_gives(make: Any) -> None:
    program = Program(trace(make()))
    outputs, state = run(program, NUMBERS)
    expected = [output for _, output in outputs] + program.complete(state)
    observed: list[Any] = []
    rx.from_(NUMBERS).pipe(make()).subscribe(observed.append, on_error=_fail)
    assert observed == expected


@each_pipeline
def test_an_empty_source_completes(make: Any) -> None:
    program = Program(trace(make()))
    observed: list[Any] = []
    done: list[bool] = []
    rx.empty().pipe(make()).subscribe(observed.append, on_error=_fail, on_completed=lambda: done.append(True))
    assert observed == program.complete(program.new_state())
    assert done == [True]


@pytest.mark.slow
@each_pipeline
def test_a_failing_record_leaves_no_trace(make: Any) -> None:
    """A function fails on every third record: upstream of the operator, downstream of it, or in a branch beside it."""
    for place in ("before", "after", "beside"):
        check_failures(make, place)


def check_failures(make: Any, place: str) -> None:
    failing = False

    def maybe(item: Any) -> Any:
        if failing:
            raise ZeroDivisionError("on purpose")
        return item

    def pipeline() -> Any:
        if place == "beside":
            return rs.ops.tee_map(make(), rs.ops.map(maybe), join="merge")
        return rx.pipe(rs.ops.map(maybe), make()) if place == "before" else rx.pipe(make(), rs.ops.map(maybe))

    def arm(index: int) -> None:
        nonlocal failing
        failing = index % 3 == 2

    program, clean = Program(trace(pipeline())), Program(trace(pipeline()))
    fed, state = while_failing(program, NUMBERS, arm)
    failures = [error for _, error in fed.fed if error]
    assert all("ZeroDivisionError" in error and "map" in error for error in failures)
    assert {index for index in range(len(NUMBERS)) if index % 3 != 2} <= set(fed.accepted)
    if fed.has_removed:  # what it emits then depends on what is gone; see test_failed_windows and test_group_idle
        assert while_failing(clean, NUMBERS, arm, is_cut=True)[0] == fed
        return
    # accepted while the function failed: it never came to that, or was caught
    accepted = iter(fed.accepted)
    expected, clean_state = while_failing(clean, [NUMBERS[at] for at in fed.accepted], lambda _: arm(next(accepted)))
    failing = False
    assert fed.outputs == expected.outputs
    assert fed.state == expected.state
    assert program.complete(state) == clean.complete(clean_state)


def _fail(error: Exception) -> None:
    raise error
