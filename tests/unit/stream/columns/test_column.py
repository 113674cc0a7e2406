"""Columns give back the values that they were made of, with their types."""

from typing import NamedTuple

import numpy as np

from makiserve.stream.columns.column import Column, Rows, column_of, join
from makiserve.stream.columns.items import ColumnItems
from makiserve.stream.columns.segments import Segments
from tests.loops import loop_over


class Pair(NamedTuple):
    a: float
    b: object


@loop_over(
    "items",
    [[], [1, 2], [1.5, None], [True, False], [True, 1], [1, 2.0], [2**70, 1], [None, None], ["a", None], [np.int8(3)]],
    ids=str,
)
def test_a_column_gives_its_values_back(items):
    values = column_of(items).items()
    assert values == items
    assert list(map(type, values)) == list(map(type, items))


def test_values_of_one_type_are_a_typed_array():
    assert column_of([1.5, None, 2.5]).values.dtype == np.float64
    assert column_of([1, 2]).values.dtype == np.int64


def test_rows_build_items():
    rows = Rows(Pair, ("a", "b"), (column_of([1.0, 2.0]), Rows(None, (), (column_of([1, 2]), column_of("xy")))))
    assert rows.items() == [Pair(1.0, (1, "x")), Pair(2.0, (2, "y"))]
    assert rows.take([1]).items() == [Pair(2.0, (2, "y"))]


def test_join_keeps_types_or_falls_back_to_objects():
    joined = join([column_of([1.0]), column_of([None, 2.0])])
    assert isinstance(joined, Column)
    assert joined.values.dtype == np.float64
    assert joined.items() == [1.0, None, 2.0]
    assert join([column_of([1]), column_of([2.0])]).items() == [1, 2.0]
    assert type(join([column_of([1]), column_of([2.0])]).items()[0]) is int


def test_segments_know_starts_and_ranks():
    segments = Segments(np.array([2, 1, 3]))
    assert segments.starts.tolist() == [0, 2, 3]
    assert segments.ranks.tolist() == [0, 1, 0, 0, 1, 2]
    left, kept = segments.take(np.array([True, False, False, True, True, False]))
    assert (left.lengths.tolist(), kept.tolist()) == ([1, 2], [0, 2])


def test_a_list_is_extended_in_place_by_the_items_of_a_column():
    values = [1.0]
    same = values
    values += ColumnItems(column_of([1.5, None]))
    assert same is values
    assert values == [1.0, 1.5, None]
