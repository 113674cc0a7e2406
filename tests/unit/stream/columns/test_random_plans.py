"""Random plans over random records, cut and checkpointed anywhere, give the same on both engines."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple, get_args

import rx
from hypothesis import given
from hypothesis import strategies as st

import makiserve.stream as rs
from makiserve.stream.columns.checkpoint import ColumnCheckpoints
from makiserve.stream.columns.engine_choice import program_for
from makiserve.stream.columns.program import ColumnProgram
from makiserve.stream.columns.row_copy import SmallBatches
from makiserve.stream.data.trailing_bounds import Closed
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from tests.examples import examples
from tests.unit.stream.columns.both_engines import assert_equal_batches


class Reading(NamedTuple):
    key: Any
    value: float | None
    count: int  # type: ignore[assignment]  # as tuple.count
    at: int | datetime


START = datetime(1970, 1, 1, tzinfo=timezone.utc)
ODD = [0.0, -0.0, math.nan, math.inf, 1e308, -1e308, 5e-324]
readings = st.builds(
    Reading,
    st.sampled_from(["a", "b", 1, 1.0, None]),
    st.floats(-1e6, 1e6) | st.sampled_from(ODD) | st.none(),
    st.integers(-5, 5) | st.sampled_from([2**31, 2**62, 2**63, -(2**70)]),
    st.integers(-5, 60) | st.integers(0, 60).map(lambda ms: START + timedelta(milliseconds=ms)),
)

FUNCTIONS = [
    lambda i: i.value,
    lambda i: i.count,
    lambda i: i.value * 2 + 1,
    lambda i: i.count // 3,
    lambda i: i.value / i.count,
    lambda i: i.value if i.count > 0 else 0.0,
    lambda i: str(i.count),
    lambda i: (START + timedelta(hours=i.count)).weekday(),
    lambda i: timedelta(hours=i.count).total_seconds(),
]
REDUCTIONS: list[Callable[..., Any]] = [
    rs.math.sum,
    rs.math.mean,
    rs.math.stddev,
    rs.math.min,
    rs.math.max,
    rs.math.distinct_count,
]
functions = st.sampled_from(FUNCTIONS)


def reductions(*, reduce: bool) -> st.SearchStrategy[Any]:
    made = st.builds(
        lambda make, function, skips: make(function, reduce=reduce, skip_missing=skips),
        st.sampled_from(REDUCTIONS),
        functions,
        st.booleans(),
    )
    return made | st.just(rs.ops.count(reduce=reduce)) | (st.just(rs.ops.last()) if reduce else st.nothing())


def failing(share: int) -> Any:
    """A function that fails on some results, which may be those of windows."""
    return rs.ops.map(lambda i: (i, 1 // (len(repr(i)) % share)))


def joined(branches: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return branches | st.lists(branches, min_size=2, max_size=3).map(lambda pipelines: rs.ops.tee_map(*pipelines))


firsts = st.builds(
    lambda function, reduction: rs.ops.tee_map(rx.pipe(rs.ops.map(function), rs.ops.first()), reduction),
    functions,
    reductions(reduce=True),
)
failures = st.builds(rx.pipe, reductions(reduce=True), st.builds(failing, st.integers(2, 5)))
windows = st.builds(
    rs.data.roll, st.integers(1, 6), st.integers(1, 8), joined(reductions(reduce=True)) | firsts | failures
)
zipped = st.builds(
    lambda window, stride, first, second, share: rs.ops.tee_map(
        rx.pipe(rs.data.roll(window, stride, first), failing(share)), rs.data.roll(window, stride, second)
    ),
    st.integers(1, 4),
    st.integers(1, 5),
    reductions(reduce=True),
    reductions(reduce=True),
    st.integers(2, 5),
)
bounded = reductions(reduce=True).map(
    lambda reduction: rs.ops.tee_map(rs.data.window_start(), reduction, rs.data.window_end())
)
times = st.sampled_from([lambda i: i.count, lambda i: i.count % 20, lambda i: i.at])
durations = st.sampled_from(["1ms", "4ms", "15ms"])
trailing = st.builds(
    rs.data.roll_trailing,
    st.sampled_from(["2ms", "4ms", "15ms"]),
    times,
    joined(reductions(reduce=True)) | firsts | bounded,
    closed=st.sampled_from(get_args(Closed)),
)
lateness = st.sampled_from(["0ms", "3ms", "20ms"])
late_items = st.sampled_from([None, [rs.ops.map(str)], [rs.ops.map(lambda i: i.count % 7), rs.math.sum()]])
hopping = st.builds(
    lambda window, stride, time, inner, wait, late: rs.data.roll_time(window, stride, time, inner, wait, late),
    durations,
    durations,
    times,
    joined(reductions(reduce=True)) | firsts | bounded | failures,
    lateness,
    late_items,
)
days = st.builds(
    lambda inner, wait, late: rs.data.roll_calendar(
        "day", lambda i: i.count * 36_000_000, inner, zone="Europe/Paris", lateness=wait, on_late=late
    ),
    joined(reductions(reduce=True)) | bounded | failures,
    st.sampled_from(["0h", "30h"]),
    late_items,
)
of_time = hopping | days
changes = st.builds(rs.data.delta, functions, st.integers(1, 3))
lags = st.sampled_from([lambda: rs.data.lag(1), lambda: rs.data.lag(2)])
known = st.builds(
    rs.data.as_of,
    times,
    st.sampled_from(
        [lambda i: i.count + 3, lambda i: i.count * 2 if i.value else None, lambda i: i.value, lambda i: i.at]
    ),
    functions | st.none(),
    st.sampled_from([None, 0.0, "none"]),
)
pairs = lags | st.just(lambda: rs.ops.pairwise())


def failing_on_earlier(share: int) -> Any:
    """A function that fails on some pairs because of their earlier item."""
    return rs.ops.map(lambda pair: (pair, 1 // (len(repr(pair[0])) % share)))


def ratio(make: Any, share: int) -> Any:
    return rx.pipe(make(), failing_on_earlier(share))


ratios = st.builds(ratio, pairs, st.integers(2, 5))
second_ratios = st.builds(
    lambda make, last, share: rx.pipe(make(), last(), failing_on_earlier(share)), pairs, pairs, st.integers(2, 5)
)
running = joined(
    reductions(reduce=False)
    | changes
    | trailing
    | known
    | st.builds(ratio, lags, st.integers(2, 5))
    | st.just(rs.data.lag(2))
)


def together(make: Any, share: int, how: Any, filtered: bool) -> Any:
    """Branches that begin with the same operators, of which one fails on the earlier items of pairs."""
    begun = [make(), *([rs.ops.filter(lambda pair: len(repr(pair[0])) % 2)] if filtered else [])]
    return rs.ops.tee_map(rx.pipe(*begun, failing_on_earlier(share)), rx.pipe(*begun), join=how)


branches_of_pairs = st.builds(
    together, pairs, st.integers(2, 5), st.sampled_from(["zip", "zip_longest", "combine_latest"]), st.booleans()
)
some = st.sampled_from(
    [
        lambda: rs.ops.filter(lambda i: i.count > 0),
        lambda: rs.ops.take(3),
        lambda: rs.ops.distinct(lambda i: i.count),
        lambda: rs.ops.distinct_until_changed(lambda i: i.key),
        lambda: rs.ops.first(),
        lambda: rx.pipe(rs.ops.map(lambda i: [i.count, i.value] * (i.count % 3)), rs.ops.flat_map()),
        lambda: rs.ops.identity(),
    ]
).map(lambda make: make())
mixed = st.builds(
    lambda branches, how, then: rx.pipe(rs.ops.tee_map(*branches, join=how), *then),
    st.lists(some | windows | running | of_time, min_size=2, max_size=3),
    st.sampled_from(["merge", "combine_latest", "zip_longest"]),
    st.sampled_from([[], [rs.ops.count()], [rs.ops.group_by(str, [rs.ops.count()])]]),
)
before = st.just(rs.ops.filter(lambda i: i.count != 2)) | st.just(rs.ops.map(lambda i: i._replace(count=i.count + 1)))
failed = st.builds(lambda made, share: rx.pipe(made, failing(share)), of_time, st.integers(2, 5))
chains = st.builds(
    lambda first, then, share: rx.pipe(*first, then, *([failing(share)] if share else [])),
    st.lists(before, max_size=2),
    windows | running | some | mixed | of_time | failed | zipped | ratios | second_ratios | branches_of_pairs,
    st.none() | st.integers(2, 5),
)


def grouped(chain: Any, levels: int, ttls: list[str | None]) -> Any:
    """The chain inside `levels` of groups, some of which are forgotten."""
    for level, ttl in zip(range(levels), ttls, strict=False):
        key = (lambda i: i.key) if level % 2 == 0 else (lambda i: i.count % 2)
        chain = rs.ops.group_by(key, chain, ttl, (lambda i: i.count % 1000) if ttl else None)
    return chain


def in_order(records: list[Reading]) -> list[Reading]:
    """The records with times that never fall, some of them equal."""
    counts = sorted(record.count % 1000 for record in records)
    return [record._replace(count=count, at=count) for record, count in zip(records, counts, strict=True)]


small_batches = st.builds(SmallBatches, st.sampled_from([0, 1, 6]), st.integers(1, 9), st.integers(0, 3))
ttls = st.lists(st.sampled_from([None, "1ms", "4ms"]), min_size=3, max_size=3)
plans = st.builds(grouped, chains, st.integers(0, 3), ttls).map(trace)


@examples(60)
@given(
    plans,
    st.lists(readings, max_size=40) | st.lists(readings, max_size=40).map(in_order),
    st.lists(st.integers(1, 12), min_size=1, max_size=6),
    small_batches,
    st.booleans(),
)
def test_both_engines_give_the_same(
    plan: Any, records: list[Reading], cuts: list[int], small: SmallBatches, checkpoints: bool
) -> None:
    program, rows = program_for(plan), Program(plan)
    assert isinstance(program, ColumnProgram)
    columns = ColumnProgram(plan, program.compiled, program.rows, small, program.keeping)
    codec = ColumnCheckpoints(columns, (Reading,)) if checkpoints else None
    state, other = assert_equal_batches(columns, rows, records, cuts, codec)
    assert completed(columns, state) == completed(rows, other)


def completed(program: Any, state: Any) -> Any:
    """Return the outputs of a program at completion, or the error that it raises."""
    try:
        return repr(program.complete(state))
    except Exception as error:  # noqa: BLE001  both engines must raise the same
        return repr(error)
