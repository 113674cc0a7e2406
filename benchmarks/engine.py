"""The stream engine compared with rxsci and with plain calls of the user's functions."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import rx
import rxsci

import makiserve.stream as rs
from benchmarks.sidebyside import Contestant, race
from makiserve.stream.columns.engine_choice import program_for
from makiserve.stream.columns.program import ColumnProgram
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from models.electricity.features import Features, Reading, Weather, features

BATCH = 16_384


def readings(count: int) -> list[Reading]:
    """Return random readings of a house."""
    rng = random.Random(1)
    return [Reading(i, rng.random(), rng.gauss(50, 19), rng.gauss(1016, 8), rng.random() * 20) for i in range(count)]


def feed(pipeline: Any, items: list[Any]) -> Any:
    """Return a function that feeds the items to makiserve's row engine."""
    program = Program(trace(pipeline))
    return lambda: program.feed(items, program.new_state())


def feed_columns(pipeline: Any, items: Any) -> Any:
    """Return a function that feeds the items to makiserve's columns in batches, as a service with a backlog does."""
    program = program_for(trace(pipeline))
    assert isinstance(program, ColumnProgram)

    def run() -> None:
        state = program.new_state()
        for start in range(0, len(items), BATCH):
            program.feed(items[start : start + BATCH], state)

    return run


def observe(operator: Any, items: list[Any]) -> Any:
    """Return a function that feeds the items to rxsci through an Observable."""
    return lambda: rx.from_(items).pipe(rxsci.state.with_memory_store(operator)).subscribe()


def electricity_in_rxsci() -> Any:
    """Return the electricity pipeline in rxsci's operators."""
    return rx.pipe(
        rxsci.ops.map(lambda i: Weather(i.house_overall, i.pressure / (i.wind_speed + 1e-5), i.temperature)),
        rxsci.data.roll(
            window=360,
            stride=60,
            pipeline=rxsci.ops.tee_map(
                rxsci.ops.last(),
                rx.pipe(rxsci.ops.map(lambda i: i.temperature), rxsci.math.stddev(reduce=True)),
            ),
        ),
        rxsci.ops.map(lambda i: Features(i[0].label, i[0].pspeed_ratio, i[0].temperature, i[1])),
    )


def call_lambdas(items: list[Reading]) -> None:
    """Call the user's two functions for each item, which is the lower bound for any engine."""
    weather: Callable[[Reading], Weather] = lambda i: Weather(  # noqa: E731
        i.house_overall, i.pressure / (i.wind_speed + 1e-5), i.temperature
    )
    temperature: Callable[[Weather], float] = lambda i: i.temperature  # noqa: E731
    for item in items:
        temperature(weather(item))


def run() -> None:
    """Run all races of the engine."""
    many, few = readings(200_000), readings(20_000)
    race(
        "The electricity pipeline: map, roll(360, 60) of tee_map(last, map | stddev), map",
        [
            Contestant("only the user's lambdas", lambda: call_lambdas(many), len(many)),
            Contestant("makiserve, rows", feed(features(), many), len(many)),
            Contestant("makiserve, columns from records", feed_columns(features(), many), len(many)),
            Contestant("rxsci 0.33", observe(electricity_in_rxsci(), few), len(few)),
        ],
    )
    rng = random.Random(2)
    numbers = [rng.random() for _ in range(200_000)]
    race(
        "Keyed running mean over 100 keys",
        [
            Contestant("makiserve", feed(_keyed(rs), list(range(200_000))), 200_000),
            Contestant("rxsci 0.33", observe(_keyed(rxsci), list(range(20_000))), 20_000),
        ],
    )
    race(
        "stddev in overlapping windows",
        [
            Contestant("makiserve roll(360, 360)", feed(_rolling(rs, 360), numbers), len(numbers)),
            Contestant("makiserve roll(360, 60)", feed(_rolling(rs, 60), numbers), len(numbers)),
            Contestant("makiserve roll(360, 1)", feed(_rolling(rs, 1), numbers), len(numbers)),
            Contestant("rxsci 0.33 roll(360, 1)", observe(_rolling(rxsci, 1), numbers[:1000]), 1000),
        ],
    )


def _keyed(module: Any) -> Any:
    return module.ops.group_by(lambda i: i % 100, rx.pipe(module.math.mean()))


def _rolling(module: Any, stride: int) -> Any:
    return module.data.roll(window=360, stride=stride, pipeline=rx.pipe(module.math.stddev(reduce=True)))
