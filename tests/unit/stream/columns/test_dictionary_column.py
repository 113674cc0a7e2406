"""Texts as numbers in a dictionary give the results of their objects, as keys of groups and as fields."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import rx
from hypothesis import given
from hypothesis import strategies as st

import makiserve
import makiserve.stream as rs
from makiserve.records import Record
from makiserve.records.record_table import DictionaryValues, FieldValues, RecordTable
from makiserve.scoring.record_columns import column_items
from makiserve.stream.columns.dictionary_column import DictionaryColumn
from makiserve.stream.columns.engine_choice import program_for
from makiserve.stream.columns.items import taken
from makiserve.stream.columns.program import ColumnProgram
from makiserve.stream.columns.segments import stable_order
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from tests.unit.stream.columns.batches import listed
from tests.unit.stream.columns.both_engines import assert_equal_batches

TOO_LARGE = "x" * 65_000
TEXTS = ["a", "b", "é", "c" * 2000, TOO_LARGE, "d", None]
LEAST = 40
"""More items than a function is called for one by one."""


class Reading(Record):
    key: str | None
    number: int
    value: float


WINDOW = rs.data.roll(3, 1, rs.ops.tee_map(rs.ops.last(), rs.math.mean(lambda i: i.value, reduce=True)))
PIPELINES: dict[str, makiserve.Transform] = {
    "windows of a key": rs.ops.group_by(lambda i: i.key, WINDOW),
    "a number as key": rs.ops.group_by(lambda i: i.number, WINDOW),
    "after a filter": rx.pipe(rs.ops.filter(lambda i: i.value > 1), rs.ops.group_by(lambda i: i.key, WINDOW)),
    "groups in groups": rs.ops.group_by(lambda i: i.number, rs.ops.group_by(lambda i: i.key, rs.ops.count())),
    "groups that expire": rs.ops.group_by(lambda i: i.key, rs.ops.count(), ttl="10ms", time_mapper=lambda i: i.number),
    "a failure after others": rs.ops.group_by(
        lambda i: i.key, rx.pipe(rs.ops.map(lambda i: i.number // i.value), rs.math.sum())
    ),
    "an integer beyond 64 bits": rs.ops.group_by(
        lambda i: i.key, rx.pipe(rs.ops.map(lambda i: i.number * 2**62), rs.math.sum())
    ),
    "a field": rs.ops.map(lambda i: (i.key, i.value)),
    "one branch": rs.ops.map(lambda i: i.key if i.value > 2 else i.number),
    "a part of a key": rs.ops.map(lambda i: i.key[0]),
    "changes": rs.ops.group_by(lambda i: i.number, rs.ops.distinct_until_changed(lambda i: i.key)),
}
ROWS = st.lists(
    st.tuples(st.sampled_from(range(len(TEXTS))), st.integers(-2, 4), st.integers(0, 4)), min_size=LEAST, max_size=150
)


def items_of(rows: list[tuple[int, int, int]]) -> Any:
    """Records as columns, with their keys as numbers in a dictionary that has more texts than occur."""
    codes, numbers, values = np.array(rows).T
    fields: Any = {
        "key": DictionaryValues(codes.astype(np.int32), np.array([*TEXTS, "unused"], object)),
        "number": FieldValues(numbers),
        "value": FieldValues(values.astype(np.float64)),
    }
    return column_items(RecordTable(Reading, fields, {}, len(rows)))


@pytest.mark.parametrize("name", PIPELINES)
@given(rows=ROWS, size=st.integers(LEAST, 100))
def test_texts_in_a_dictionary(name: str, rows: list[Any], size: int) -> None:
    plan = trace(PIPELINES[name])
    columns = program_for(plan)
    assert isinstance(columns, ColumnProgram)
    assert_equal_batches(columns, Program(plan), items_of(rows), [size], None)


def test_texts_that_are_none_are_marked() -> None:
    values = DictionaryValues(np.array([0, 2, 1, 2]), np.array(["a", "b", None], object))
    assert listed(values.absent_mask()) == [False, True, False, True]


def test_groups_are_in_the_order_in_which_they_occur_first() -> None:
    program: Any = program_for(trace(PIPELINES["windows of a key"]), is_tracked=True)
    state = program.new_state()
    program.feed(items_of([(code, 1, 1) for code in (5, 1, 5, 0) for _ in range(LEAST)]), state)
    program.feed(items_of([(code, 1, 1) for code in (6, 0, 2) for _ in range(LEAST)]), state)
    assert list(state.tables[1].index) == ["d", "b", "a", None, "é"]


def test_a_text_stays_in_its_dictionary_through_groups() -> None:
    records = items_of([(number % 2, 1, 1) for number in range(100)])
    program: Any = program_for(trace(rs.ops.group_by(lambda i: i.key, rs.data.roll(2, 1, rs.ops.last()))))
    outputs = program.feed(records, program.new_state()).outputs
    assert isinstance(outputs.column.fields[0], DictionaryColumn)


def test_texts_are_sent_to_another_process() -> None:
    sent = items_of([(0, 1, 1), (6, 1, 2), (2, 1, 3)])
    arrived = pickle.loads(pickle.dumps(sent))
    assert list(arrived) == list(sent)
    assert next(iter(taken(arrived, [2]))).key == "é"


@given(st.lists(st.integers(0, 2**40) | st.integers(0, 3)))
def test_equal_integers_keep_their_order(numbers: list[int]) -> None:
    expected = sorted(range(len(numbers)), key=numbers.__getitem__)
    assert stable_order(np.array(numbers, np.int64)).tolist() == expected
