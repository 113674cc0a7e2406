"""Times as microseconds give the results of their objects, and their objects are only made if a function reads them."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
import rx
from hypothesis import given
from hypothesis import strategies as st

import makiserve
import makiserve.stream as rs
from makiserve.records import Record
from makiserve.records.record_table import FieldValues, RecordTable, objects
from makiserve.records.times import TimeValues
from makiserve.scoring.record_columns import column_items
from makiserve.stream.columns.engine_choice import program_for
from makiserve.stream.columns.items import taken
from makiserve.stream.columns.program import ColumnProgram
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace


class Reading(Record):
    key: str
    at: datetime | None
    value: float


LATER = datetime(1970, 1, 1, 0, 0, 0, 5, tzinfo=timezone.utc)


def same_zone(at: Any) -> datetime:
    """A time that can be compared with a reading's."""
    return LATER if at.tzinfo else LATER.replace(tzinfo=None)


PIPELINES: dict[str, makiserve.Transform] = {
    "a field": rs.ops.map(lambda i: i.at),
    "with others": rs.ops.map(lambda i: (i.at, i.value + 1)),
    "is None": rs.ops.map(lambda i: (i.at is None, i.at)),
    "one branch": rs.ops.map(lambda i: i.at if i.value > 2 else None),
    "compared": rs.ops.filter(lambda i: i.at is not None and i.at > same_zone(i.at)),
    "an attribute": rs.ops.map(lambda i: i.at.microsecond),
    "features": rs.ops.map(lambda i: (i.at.hour, i.at.weekday(), i.at.date(), i.at.timestamp() if i.at.tzinfo else 0)),
    "a difference": rs.ops.map(lambda i: i.at - same_zone(i.at) - timedelta(microseconds=i.value)),
    "another time": rs.ops.map(lambda i: i.at + timedelta(days=400, microseconds=1)),
    "a date": rs.ops.map(lambda i: date(2013, 2, i.at.microsecond).toordinal()),
    "key of a part": rs.ops.group_by(lambda i: i.at.microsecond % 3, rs.math.sum(lambda i: i.at.second)),
    "an element": rs.ops.map(lambda i: i.at[0]),
    "unpacked": rx.pipe(rs.ops.map(lambda i: (i.at, i.value)), rs.ops.starmap(lambda at, value: (value, at))),
    "key": rs.ops.group_by(lambda i: i.at, rs.ops.count()),
    "last of a window": rs.ops.group_by(
        lambda i: i.key,
        rs.data.roll(2, 1, rs.ops.tee_map(rs.ops.last(), rs.math.max(lambda i: i.value, reduce=True))),
    ),
    "changes": rs.ops.group_by(lambda i: i.key, rs.ops.distinct_until_changed(lambda i: i.at)),
    "window of time": rs.ops.group_by(
        lambda i: i.key, rs.data.roll_time("1s", "1s", lambda i: i.at, rs.ops.count(reduce=True))
    ),
    "window of another time": rs.ops.group_by(
        lambda i: i.key, rs.data.roll_time("1s", "1s", lambda i: i.at + timedelta(days=1), rs.ops.last())
    ),
    "trailing window": rs.ops.group_by(
        lambda i: i.key,
        rs.data.roll_trailing("1s", lambda i: i.at, rs.math.sum(lambda i: i.value, reduce=True)),
    ),
    "as of": rs.ops.group_by(lambda i: i.key, rs.data.as_of(lambda i: i.at, lambda i: i.at, lambda i: i.value)),
    "bounds": rs.data.roll_time("1s", "1s", lambda i: i.at, rs.data.window_start()),
}


def table(rows: Sequence[tuple[str, int | None, float]], *, is_utc: bool) -> RecordTable:
    """Records as columns, with their times as microseconds."""
    absent = np.array([us is None for _, us, _ in rows], np.bool_)
    us = np.array([us or 0 for _, us, _ in rows], np.int64)
    fields: Any = {
        "key": objects((key for key, _, _ in rows), len(rows)),
        "at": TimeValues(us, is_utc=is_utc, absent=absent if absent.any() else None),
        "value": FieldValues(np.array([value for *_, value in rows], np.float64)),
    }
    return RecordTable(Reading, fields, {}, len(rows))


def results(program: Any, batches: Sequence[Sequence[Any]]) -> list[Any]:
    """Return the outputs of a program for batches; failed records are None."""
    state, outcomes = program.new_state(), list[Any]()
    for batch in batches:
        fed = program.feed(batch, state)
        outcomes.append((list(fed.outputs), list(fed.causes), [(index, str(error)) for index, error in fed.failures]))
    return outcomes


ROWS = st.lists(
    st.tuples(st.sampled_from("ab"), st.none() | st.integers(-3, 5_000_000) | st.integers(0, 8), st.integers(0, 4)),
    min_size=1,
    max_size=30,
)


@pytest.mark.parametrize("name", PIPELINES)
@given(rows=ROWS, cut=st.integers(0, 30), is_utc=st.booleans())
def test_times_as_microseconds(name: str, rows: list[Any], cut: int, is_utc: bool) -> None:
    plan = trace(PIPELINES[name])
    batches = [table(part, is_utc=is_utc) for part in (rows[:cut], rows[cut:]) if part]
    columns = program_for(plan)
    assert isinstance(columns, ColumnProgram)
    expected = results(Program(plan), [list(batch) for batch in batches])
    assert repr(results(columns, [column_items(batch) for batch in batches])) == repr(expected)


def test_times_are_sent_to_another_process() -> None:
    sent = column_items(table([("a", 1, 1.0), ("b", None, 2.0), ("a", 3, 3.0)], is_utc=True))
    arrived = pickle.loads(pickle.dumps(sent))
    assert list(arrived) == list(sent)
    assert next(iter(taken(arrived, [2]))).at.microsecond == 3


def test_objects_are_not_made_for_windows_of_time() -> None:
    rows = [("a", 1000 * number, 1.0) for number in range(100)]
    records = table(rows, is_utc=True)
    window = rs.data.roll_time("10ms", "10ms", lambda i: i.at, rs.math.sum(lambda i: i.value, reduce=True))
    program: Any = program_for(trace(rs.ops.group_by(lambda i: i.key, window)))
    fed = program.feed(column_items(records), program.new_state())
    assert list(fed.outputs) == [10.0] * 9
    times = records.fields["at"]
    assert isinstance(times, TimeValues)
    assert "values" not in vars(times)
    assert times.values[1] == datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=1)
