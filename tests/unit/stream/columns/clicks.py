"""Clicks at rising times, some of them late, and the engines that compute windows of them."""

from __future__ import annotations

import math
from random import Random
from typing import Any, NamedTuple

import rx

import makiserve.stream as rs
from makiserve.stream.columns.checkpoint import ColumnCheckpoints
from makiserve.stream.columns.engine_choice import program_for
from makiserve.stream.columns.program import ColumnProgram
from makiserve.stream.columns.row_copy import NO_SMALL
from makiserve.stream.engine.program import FeedResult, Program
from makiserve.stream.engine.trace import trace


class Click(NamedTuple):
    key: int
    time: int
    value: Any


def time(click: Click) -> int:
    return click.time


def features() -> Any:
    """Reductions of typed and of other values, the first and the last item, and the bounds of the window."""
    value, skips = (lambda i: i.value), {"reduce": True, "skip_missing": True}
    return rs.ops.tee_map(
        rs.ops.count(reduce=True),
        rs.math.mean(value, **skips),
        rs.math.stddev(value, min_periods=3, **skips),
        rs.math.max(value, **skips),
        rs.math.top_k(2, lambda i: str(i.value), reduce=True),
        rx.pipe(rs.ops.map(value), rs.ops.first()),
        rx.pipe(rs.ops.map(value), rs.ops.last()),
        rs.data.window_start(),
        rs.data.window_end(),
    )


def engines(windows: Any) -> tuple[ColumnProgram, Program]:
    plan = trace(rs.ops.group_by(lambda i: i.key, windows))
    program = program_for(plan)
    assert isinstance(program, ColumnProgram)
    return ColumnProgram(plan, program.compiled, program.rows, NO_SMALL, program.keeping), Program(plan)


def comparable(fed: FeedResult) -> Any:
    return repr(list(fed.outputs)), fed.causes, [(at, str(error)) for at, error in fed.failures]


def assert_same_in_any_order(columns: ColumnProgram, rows: Program, keys: int, share: float) -> None:
    """Feed both engines batches of clicks, of which a share is late, with a checkpoint after each batch."""
    random, codec = Random(keys), ColumnCheckpoints(columns)
    state, other, start = columns.new_state(), rows.new_state(), -200
    for size in (1, 2, 40, 300, 5, 90):
        batch = clicks(random, size, keys, start, share)
        start = max(map(time, batch))
        assert comparable(columns.feed(batch, state)) == comparable(rows.feed(batch, other))
        assert not state.is_foreign
        assert not state.tables[1].is_foreign.any()
        state = codec.load(codec.dump(state))
    assert repr(columns.complete(state)) == repr(rows.complete(other))


def clicks(random: Random, count: int, keys: int, start: int, share: float) -> list[Click]:
    """Clicks at times that rise, some of them equal; a share of them is late."""
    generated, now = [], start
    for _ in range(count):
        now += random.choice([0, 0, 1, 2]) + 60 * (random.random() < 0.01)
        behind = random.choice([1, 20, 49, 50, 70]) if random.random() < share else 0
        value = random.choice([random.gauss(0, 1), random.gauss(0, 1), -0.0, math.nan, None])
        generated.append(Click(random.randrange(keys), now - behind, value))
    return generated
