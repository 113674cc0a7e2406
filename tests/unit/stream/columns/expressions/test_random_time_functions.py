"""Random functions of times, dates and durations: computed in columns, they return and raise what Python does."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta, timezone
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from makiserve.records.times import EARLIEST_US, LATEST_US, TimeValues
from makiserve.stream.columns.column import Rows, column_of
from makiserve.stream.columns.time_column import TimeColumn
from tests.examples import examples
from tests.unit.stream.columns.expressions.expected import assert_as_python

DAY_US = 86_400_000_000
LOCAL = datetime(2000, 2, 29, 12)  # noqa: DTZ001  a time without a zone


class Item(NamedTuple):
    s: datetime
    t: datetime
    u: datetime | None
    n: int
    k: int | None
    f: float
    o: Any


EDGES = [EARLIEST_US, LATEST_US, 0, -1, 1, DAY_US, 951_782_400_000_000, 951_868_799_999_999, -2_203_977_600_000_000]
TIMES = st.sampled_from(EDGES) | st.integers(EARLIEST_US, LATEST_US) | st.integers(-20_000, 40_000).map(DAY_US.__mul__)
NUMBERS = st.sampled_from([0, 1, -1, 2, 12, 13, 28, 29, 30, 31, 1900, 2000, 9999, 10_000, 2**62, 2**63 - 1, -(2**63)])
OBJECTS = st.sampled_from(
    [
        *(LOCAL, datetime(2000, 2, 29, tzinfo=timezone.utc), date(2000, 2, 29), timedelta.max),
        *(datetime(2000, 1, 1, tzinfo=timezone(timedelta(hours=5))), timedelta(1, 2, 3), -timedelta(1), None, 3),
    ]
)
ITEMS = st.tuples(
    TIMES,
    TIMES,
    TIMES | st.none(),
    NUMBERS,
    st.integers(1, 12) | st.none(),
    st.floats(-1e4, 1e4) | st.just(math.nan),
    OBJECTS,
)


def _join(template: str, *parts: Any) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map(lambda values: template.format(*values))


def _any(*names: str) -> st.SearchStrategy[str]:
    return st.sampled_from(names)


class Expressions(NamedTuple):
    """Expressions by the type of their values, if none of them fails."""

    moments: st.SearchStrategy[str]
    days: st.SearchStrategy[str]
    durations: st.SearchStrategy[str]
    numbers: st.SearchStrategy[str]
    conditions: st.SearchStrategy[str]


LEAVES = Expressions(
    _any("i.s", "i.t", "i.u", "i.s", "i.t", "NOON", "LOCAL", "EARLIER", "i.o"),
    _any("i.s.date()", "i.u.date()", "date(i.n, i.k, 29)", "date(i.t.year, 2, i.n)", "HOLIDAY", "i.o"),
    _any("(i.s - i.t)", "(i.u - NOON)", "timedelta(hours=i.n)", "HOUR", "timedelta(0)", "timedelta.max", "i.o"),
    _any("i.n", "i.k", "i.f", "1", "2", "0", "-1", "True", "1.5", "None"),
    _any("i.s < i.t", "i.u is None", "i.k"),
)
ARITHMETIC, ORDER = _any("+", "-", "*", "%"), _any("==", "!=", "<", "<=", ">", ">=")
PARTS = _any("year", "month", "day", "hour", "minute", "second", "microsecond")
UNITS = _any("days", "microseconds", "weeks")
WEEK_PARTS = _any("[0]", "[1]", ".week", ".weekday", ".year")


def deeper(inner: Expressions) -> Expressions:
    """Expressions of other expressions."""
    moments, days, durations, numbers, conditions = inner
    return Expressions(
        st.one_of(
            _join("({} {} {})", moments, _any("+", "-"), durations),
            _join("({} + {})", durations, moments),
            _join("{}.replace({}={})", moments, _any("year", "month", "day", "hour"), _any("1", "29", "2000")),
            _join("{}({}, {})", _any("min", "max"), moments, moments),
            _join("({} if {} else {})", moments, conditions, moments),
            _join("{}.astimezone(EARLIER.tzinfo)", moments),
            LEAVES.moments,
        ),
        st.one_of(
            _join("{}.date()", moments),
            _join("date({}, {}, {})", numbers, numbers, numbers),
            _join("date({}.year, {}, {})", moments, _any("i.k", "2"), _any("i.n", "29", "1")),
            _join("({} {} {})", days, _any("+", "-"), durations),
            LEAVES.days,
        ),
        st.one_of(
            _join("({} - {})", moments, moments),
            _join("({} - {})", days, days),
            _join("({} {} {})", durations, _any("+", "-", "%"), durations),
            _join("({} {} {})", durations, _any("*", "//", "/"), numbers),
            _join("({} * {})", numbers, durations),
            _join("{}({})", _any("-", "+", "abs"), durations),
            _join("timedelta({}={}, hours={})", UNITS, numbers, _any("0", "i.k", "i.f")),
            LEAVES.durations,
        ),
        st.one_of(
            _join("{}.{}", moments, PARTS),
            _join("{}.{}()", moments, _any("weekday", "isoweekday", "toordinal", "timestamp")),
            _join("{}.{}()", days, _any("weekday", "isoweekday", "toordinal")),
            _join("{}.{}", days, _any("year", "month", "day")),
            _join("{}.isocalendar(){}", moments | days, WEEK_PARTS),
            _join("{}.{}", durations, _any("days", "seconds", "microseconds", "total_seconds()")),
            _join("({} {} {})", durations, _any("/", "//"), durations),
            _join("({} {} {})", numbers, ARITHMETIC, numbers),
            LEAVES.numbers,
        ),
        st.one_of(
            *(_join("({} {} {})", values, ORDER, values) for values in (moments, days, durations, numbers)),
            _join("({} {} {})", moments, _any("==", "!=", "<"), moments | days | durations),
            _join("({} < {} <= {})", moments, moments, moments),
            _join("({} is None)", moments),
            _join("bool({})", moments | days | durations),
            _join("isinstance({}, {})", moments | days, _any("datetime", "date", "(int, timedelta)")),
        ),
    )


moments, days, durations, numbers, conditions = deeper(deeper(LEAVES))
EVERY = moments | days | durations | numbers | conditions
RESULTS = st.one_of(
    EVERY,
    _join("({}, {})", EVERY, EVERY),
    _join("({} if {} else {})", EVERY, conditions, EVERY),
    _join("i._replace(s={}, o={})", moments, EVERY),
    _join("i._replace(s={}, u=None).s", moments),
)
PREFIXES = st.one_of(
    st.just(""),
    _join("    if {}:\n        return {}\n", conditions, EVERY),
    _join("    i = i._replace(n={})\n", numbers),
    st.just("    if i.u is None:\n        return 0\n"),
)
NAMES = {
    "NOON": datetime(2000, 2, 29, 12, tzinfo=timezone.utc),
    "LOCAL": LOCAL,
    "EARLIER": datetime(2000, 2, 29, 12, tzinfo=timezone(timedelta(hours=1))),
    "HOLIDAY": date(2024, 12, 31),
    "HOUR": timedelta(hours=1),
    "date": date,
    "datetime": datetime,
    "timedelta": timedelta,
}


def function_of(prefix: str, result: str) -> Any:
    namespace: dict[str, Any] = dict(NAMES)
    exec(f"def function(i):\n{prefix}    return {result}\n", namespace)
    return namespace["function"]


def rows_of(items: list[Any], *, is_utc: bool) -> Rows:
    """The items as columns, with their times as microseconds."""
    columns = list(zip(*items, strict=True))
    absent = np.array([us is None for us in columns[2]], np.bool_)
    times = [np.array([us or 0 for us in column], np.int64) for column in columns[:3]]
    masks = (None, None, absent if absent.any() else None)
    read = [TimeColumn(TimeValues(us, is_utc=is_utc, absent=mask)) for us, mask in zip(times, masks, strict=True)]
    return Rows(Item, Item._fields, (*read, *map(column_of, columns[3:])))


@pytest.mark.slow
@given(PREFIXES, RESULTS, st.lists(ITEMS, min_size=1, max_size=12), st.booleans())
@examples(100)
def test_a_random_function_of_times_gives_the_results_of_python(
    prefix: str, result: str, items: list[Any], is_utc: bool
) -> None:
    function = function_of(prefix, result)
    rows = rows_of(items, is_utc=is_utc)
    assert_as_python(function, rows)
    assert_as_python(function, column_of(rows.items()))
