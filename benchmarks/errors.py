"""What the undo of failed records costs: where nothing fails, and where one record in ten does."""

from __future__ import annotations

from typing import Any

import rx

import makiserve.stream as rs
from benchmarks.engine import readings
from benchmarks.sidebyside import Contestant, race
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from models.electricity.features import Reading

COUNT = 100_000


def run() -> None:
    """A guarded pipeline, good records and bad ones; and the same with the guards taken out."""
    good = readings(COUNT)
    bad = [each if index % 10 else _broken(each) for index, each in enumerate(good)]
    race(
        "A group's slots are written, then a function may raise: group_by(map | sum | map)",
        [
            Contestant("no guards (a failed record would leave a trace)", _feed(good, guarded=False), COUNT),
            Contestant("guarded, nothing fails", _feed(good, guarded=True), COUNT),
            Contestant("guarded, one record in ten fails", _feed(bad, guarded=True), COUNT),
        ],
    )


def _broken(reading: Reading) -> Reading:
    return Reading(reading.time, reading.house_overall, reading.temperature, 0.0, reading.wind_speed)


def _pipeline() -> Any:
    keyed = rx.pipe(rs.ops.map(lambda i: i.pressure), rs.math.sum(), rs.ops.map(lambda total: total), _inverse())
    return rs.ops.group_by(lambda i: i.time % 100, keyed)


def _inverse() -> Any:
    last = [0.0]

    def inverse(total: float) -> float:
        same, last[0] = total == last[0], total
        return 1 / (0 if same else total)

    return rs.ops.map(inverse)


def _feed(items: list[Reading], *, guarded: bool) -> Any:
    program = Program(trace(_pipeline()))
    if not guarded:
        program.scope.journal.enter = lambda state: None  # type: ignore[method-assign]
    return lambda: program.feed(items, program.new_state())
