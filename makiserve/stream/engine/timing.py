"""The time that each operator takes on given items: the pipeline's cost with it, minus the cost without it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.program import Program

ROUNDS = 5


def time_operators(plan: Plan, items: Sequence[Any]) -> list[float]:
    """Return the time of each operator, in microseconds per item of its pipeline, in the order of `Plan.walk`.

    An operator with inner pipelines is timed with them. These are also timed separately, on the items that reach them.
    The shortest of five runs counts. Small figures are noise and may be 0.
    """
    return list(_timed(plan, items))


def _timed(plan: Plan, items: Sequence[Any]) -> Iterator[float]:
    before, entering = _shortest(Plan(), items), items
    for index, operator in enumerate(plan.operators):
        cut = Plan(plan.operators[: index + 1])
        now = _shortest(cut, items)
        yield max(0.0, now - before) / max(1, len(items)) * 1e6
        for _, inner in operator.plans():
            yield from _timed(inner, entering)
        before, entering = now, _outputs(cut, items)


def _shortest(plan: Plan, items: Sequence[Any]) -> float:
    program, times = Program(plan, is_window=True), []
    for _ in range(ROUNDS):
        state, start = program.new_state(), time.perf_counter()
        program.feed(items, state)
        times.append(time.perf_counter() - start)
    return min(times)


def _outputs(plan: Plan, items: Sequence[Any]) -> list[Any]:
    program = Program(plan, is_window=True)
    return list(program.feed(items, program.new_state()).outputs)
