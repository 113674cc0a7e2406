"""Rolling features by key: the columnar engine, the row engine, and pandas by hand."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import rx

import makiserve
import makiserve.stream as rs
from makiserve.stream.columns.engine_choice import checkpoints_of, parts_of, program_for
from makiserve.stream.columns.program import ColumnProgram
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from models.flight_delay.features import Flight, features

RECORDS = 200_000
BATCH = 16_384
WINDOW = 20
KEYS = (10, 1_000, 50_000)
SMALL_BATCHES = (1, 10, 64, 256)
SMALL_RECORDS = 5_120
FEW_KEYS = 100
MANY_KEYS = 10_000
TIMED_KEYS = 1_000
TIMED_WINDOWS: dict[str, Callable[[Any], Any]] = {
    "`roll_trailing`, 4 records": lambda inner: rs.data.roll_trailing("1h", lambda i: i.time, inner),
    "`roll_trailing`, 22 records": lambda inner: rs.data.roll_trailing("6h", lambda i: i.time, inner),
    "`roll_trailing`, 86 records": lambda inner: rs.data.roll_trailing("24h", lambda i: i.time, inner),
    "`roll_time` of an hour": lambda inner: rs.data.roll_time("1h", "1h", lambda i: i.time, inner),
    "`roll_time` of an hour every 10 minutes": lambda inner: rs.data.roll_time("1h", "10min", lambda i: i.time, inner),
}


class Reading(makiserve.Record):
    """A value of a key."""

    key: int
    value: float


class TimedReading(Reading):
    """A value of a key at a time, in milliseconds."""

    time: int


class WindowFeatures(NamedTuple):
    """Features of the last readings of a key."""

    last: float
    mean: float
    stddev: float


def plan() -> Plan:
    """Return the plan of the features."""
    last = rx.pipe(rs.ops.last(), rs.ops.map(lambda i: i.value))
    mean, stddev = rs.math.mean(lambda i: i.value, reduce=True), rs.math.stddev(lambda i: i.value, reduce=True)
    window = rs.data.roll(WINDOW, 1, rs.ops.tee_map(last, mean, stddev))
    return trace(rs.ops.group_by(lambda i: i.key, rx.pipe(window, rs.ops.starmap(lambda *i: WindowFeatures(*i)))))


def run() -> None:
    """Compare the engines in large batches, with windows of time, and then in small batches."""
    large_batches()
    windows_of_time()
    small_batches()


def large_batches() -> None:
    """Compute the same features with each engine and compare them; then split the state into parts and join them."""
    print(f"\n{RECORDS:,} records, window {WINDOW}, stride 1, last, mean and stddev; CPU time\n")
    print("| keys | | µs per record | checkpoint: µs, bytes per key | restore: µs per key |\n|---|---|---|---|---|")
    for keys in KEYS:
        rng = random.Random(keys)
        records = [Reading(key=rng.randrange(keys), value=rng.random() * 100) for _ in range(RECORDS)]
        columns = program_for(plan(), is_tracked=True)
        assert isinstance(columns, ColumnProgram)
        by_columns = _measure(keys, "columns", columns, records)
        by_rows = _measure(keys, "rows", Program(plan(), is_tracked=True), records)
        assert by_columns == by_rows
        _measure_pandas(keys, records, by_columns)


def windows_of_time() -> None:
    """Compare the engines on windows of time, with a record each second for a thousand keys."""
    print(f"\nwindows of time over {TIMED_KEYS:,} keys, count, mean, stddev and max; CPU time per record\n")
    print("| window | columns | rows | rows divided by columns |\n|---|---|---|---|")
    rng = random.Random(1)
    readings = [
        TimedReading(key=rng.randrange(TIMED_KEYS), value=rng.random(), time=1000 * second) for second in range(RECORDS)
    ]
    for name, window in TIMED_WINDOWS.items():
        plan = trace(rs.ops.group_by(lambda i: i.key, window(_timed_features())))
        results, seconds = list[Any](), list[float]()
        for program in (program_for(plan), Program(plan)):
            state: Any = program.new_state()
            program.feed(readings[: RECORDS // 2], state)
            outputs: list[Any] = []
            seconds.append(_timed(partial(_collect, program, state, readings[RECORDS // 2 :], outputs)))
            results.append(outputs)
        assert results[0] == results[1]
        columns, rows = (2e6 * total / RECORDS for total in seconds)
        print(f"| {name} | {columns:.2f} µs | {rows:.2f} µs | {rows / columns:.1f} |")


def _timed_features() -> Any:
    reductions = (rs.math.mean, rs.math.stddev, rs.math.max)
    return rs.ops.tee_map(
        rs.ops.count(reduce=True), *(reduction(lambda i: i.value, reduce=True) for reduction in reductions)
    )


def _collect(program: Any, state: Any, records: list[Any], outputs: list[Any]) -> None:
    for batch in _batches(records):
        outputs.extend(program.feed(batch, state).outputs)


def small_batches() -> None:
    """Feed two pipelines in small batches: windows by key, and the features of flights. Compare columns with rows."""
    print("\nsmall batches; CPU time per record, columns divided by rows\n")
    print("| batch | " + " | ".join(map(str, SMALL_BATCHES)) + " |\n|---|" + "---|" * len(SMALL_BATCHES))
    rng = random.Random(1)
    for keys in (FEW_KEYS, MANY_KEYS):
        readings = [Reading(key=rng.randrange(keys), value=rng.random()) for _ in range(3 * SMALL_RECORDS)]
        _compare_small(f"windows of {keys:,} keys", plan(), readings)
    _compare_small("flights", trace(features()), [_flight(rng, minute) for minute in range(3 * SMALL_RECORDS)])


def _compare_small(name: str, plan: Plan, records: list[Any]) -> None:
    warm, measured = records[: 2 * SMALL_RECORDS], records[2 * SMALL_RECORDS :]
    columns, rows = program_for(plan, is_tracked=True), Program(plan, is_tracked=True)
    assert isinstance(columns, ColumnProgram)
    cells = []
    for size in SMALL_BATCHES:
        seconds = []
        for program in (columns, rows):
            state: Any = program.new_state()
            program.feed(warm, state)
            for start in range(0, SMALL_RECORDS, size):  # the groups that records need are copied here
                program.feed(records[start : start + size], state)
            seconds.append(_timed(partial(_feed, program, state, measured, size)))
        per_record = [f"{1e6 * total / SMALL_RECORDS:.0f}" for total in seconds]
        cells.append(f"{seconds[0] / seconds[1]:.2f} ({per_record[0]} µs, {per_record[1]} µs)")
    print(f"| {name} | " + " | ".join(cells) + " |")


def _feed(program: ColumnProgram | Program, state: Any, records: list[Any], size: int) -> None:
    """Feed records in batches of a size, and let columns process what is pending."""
    for start in range(0, len(records), size):
        program.feed(records[start : start + size], state)
    if isinstance(program, ColumnProgram):
        program.catch_up(state)


def _flight(rng: random.Random, index: int) -> Flight:
    minute, day = index % 1440, 1 + index // 1440 % 28
    clock, delay = minute // 60 * 100 + minute % 60, float(rng.randrange(60))
    dest = f"airport {rng.randrange(60)}"
    arrival = delay + rng.randrange(-20, 20)
    return Flight(2013, 1, day, clock, 1200, rng.choice("ABCDEF"), "JFK", dest, 1000.0, delay, arrival, 100.0)


def _measure(keys: int, name: str, program: Any, records: list[Reading]) -> list[Any]:
    state, parts = program.new_state(), parts_of(checkpoints_of(program))
    outputs: list[Any] = []

    def feed() -> None:
        for batch in _batches(records):
            outputs.extend(program.feed(batch, state).outputs)

    fed = _timed(feed)
    blocks: list[bytes] = []
    take = _timed(lambda: blocks.extend(parts.take(state, is_whole=True)))
    join = _timed(lambda: parts.join(blocks))
    groups = sum(len(parts.keys(block)) for block in blocks)
    size = sum(map(len, blocks)) / groups
    print(
        f"| {keys:,} | {name} | {fed / len(records) * 1e6:.2f} | {take / groups * 1e6:.1f}, {size:,.0f} "
        f"| {join / groups * 1e6:.1f} |"
    )
    return outputs


def _measure_pandas(keys: int, records: list[Reading], expected: list[WindowFeatures]) -> None:
    frame = pd.DataFrame({"key": [i.key for i in records], "value": [i.value for i in records]})
    frames: list[pd.DataFrame] = []

    def compute() -> None:
        rolling = frame.groupby("key")["value"].rolling(WINDOW)
        frames.append(
            pd.DataFrame({"mean": rolling.mean(), "stddev": rolling.std()}).droplevel(0).sort_index().dropna()
        )

    seconds = _timed(compute)
    assert np.allclose(frames[0]["mean"], [row.mean for row in expected])
    print(f"| {keys:,} | pandas by hand, from a data frame | {seconds / len(records) * 1e6:.2f} | | |")


def _batches(records: list[Any]) -> Iterator[list[Any]]:
    yield from (records[start : start + BATCH] for start in range(0, len(records), BATCH))


def _timed(call: Callable[[], Any]) -> float:
    gc.collect()
    start = time.process_time()
    call()
    return time.process_time() - start
