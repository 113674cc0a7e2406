"""The cost of undoing failed records: without failures, and with one failing record in ten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rx

import makiserve.stream as rs
from benchmarks.engine import readings
from benchmarks.sidebyside import Contestant, race
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.trace import trace
from models.electricity.features import Reading, features

COUNT = 100_000
BATCH = 4096  # the same as in the service


def run() -> None:
    """Race pipelines whose functions may raise after a state write: without guards, with guards, with bad records."""
    good = readings(COUNT)
    bad = [reading if index % 10 else _bad(reading) for index, reading in enumerate(good)]
    race(
        "group_by(tee_map(map, sum) | map): the last map may raise",
        [
            Contestant("no guards", _feed(good, guarded=False), COUNT),
            Contestant("guarded, nothing fails", _feed(good, guarded=True), COUNT),
            Contestant("guarded, one record in ten fails", _feed(bad, guarded=True), COUNT),
        ],
    )
    race(
        "flat_map to two items, then the same: the second item may fail after the first one has written state",
        [
            Contestant("no guards", _feed(good, _fan_out(), guarded=False), COUNT),
            Contestant("guarded, nothing fails", _feed(good, _fan_out()), COUNT),
            Contestant("guarded, one record in ten fails", _feed(bad, _fan_out()), COUNT),
        ],
    )
    race(
        "The electricity pipeline",
        [
            Contestant("nothing fails", _feed(good, features()), COUNT),
            Contestant("one record in ten fails", _feed(bad, features()), COUNT),
        ],
    )


def _bad(reading: Reading) -> Reading:
    return Reading(reading.time, reading.house_overall, reading.temperature, 0.0, -1e-5)


def _pipeline() -> Any:
    both = rs.ops.tee_map(rs.ops.map(lambda i: i.pressure), rs.math.sum(lambda i: i.pressure))
    return rs.ops.group_by(lambda i: i.time % 100, rx.pipe(both, rs.ops.map(lambda pair: pair[1] / pair[0])))


def _fan_out() -> Any:
    return rx.pipe(rs.ops.map(lambda i: (i, i)), rs.ops.flat_map(), _pipeline())


def _feed(items: list[Reading], pipeline: Any = None, *, guarded: bool = True) -> Callable[[], object]:
    originals = Scope.writes, Scope.writes_late
    if not guarded:
        Scope.writes = Scope.writes_late = lambda self, then: None  # type: ignore[method-assign]
    program = Program(trace(pipeline or _pipeline()))
    Scope.writes, Scope.writes_late = originals  # type: ignore[method-assign]
    batches = [items[start : start + BATCH] for start in range(0, len(items), BATCH)]

    def feed() -> None:
        state = program.new_state()
        for batch in batches:
            program.feed(batch, state)

    return feed
