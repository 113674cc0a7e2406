"""A frame of features that are columns is the frame of the same features as objects."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from makiserve.offline.emitted import EmittedRows
from makiserve.offline.sources import Block
from makiserve.records import field
from makiserve.scoring import Scored
from makiserve.stream.columns.column import Column, Rows, column_of
from makiserve.stream.columns.items import ColumnItems
from tests.examples import examples


class Features(NamedTuple):
    a: Any
    b: Any = field(name="b [m/s]")


SIZE = 5
KINDS = [
    *(st.floats(), st.floats() | st.none(), st.integers(-(2**63), 2**63 - 1), st.integers() | st.none()),
    *(st.booleans(), st.booleans() | st.none(), st.text(max_size=2) | st.none(), st.none(), st.sampled_from([1, 2.5])),
]
columns = st.one_of(*(st.lists(kind, min_size=SIZE, max_size=SIZE) for kind in KINDS))


def emitted(blocks: Sequence[Sequence[Any]], *, is_packed: bool) -> EmittedRows:
    rows = EmittedRows(is_packed=is_packed)
    for number, features in enumerate(blocks):
        offsets = range(number * SIZE, number * SIZE + len(features))
        causes = list(range(len(features)))
        rows.take(Block("a", offsets, []), Scored(causes, features, [None] * len(causes), []))
    return rows


def typed(values: list[Any], *, is_all_missing: bool) -> Column:
    return (
        Column(column_of([1.5] * SIZE).values, column_of([True] * SIZE).values) if is_all_missing else column_of(values)
    )


@pytest.mark.slow
@examples(200)
@given(st.lists(st.tuples(columns, columns), min_size=1, max_size=3), st.booleans())
def test_columns_give_the_frame_of_objects(blocks: list[tuple[list[Any], list[Any]]], is_all_missing: bool) -> None:
    given = [
        ColumnItems(Rows(Features, Features._fields, (typed(a, is_all_missing=is_all_missing), column_of(b))))
        for a, b in blocks
    ]
    objects = [list(items) for items in given]
    pd.testing.assert_frame_equal(
        emitted(given, is_packed=False).to_pandas(), emitted(objects, is_packed=False).to_pandas(), check_exact=True
    )
    assert packed(given) == packed(objects)


def packed(blocks: Sequence[Sequence[Any]]) -> Any:
    """The Arrow table, or the type of the exception that making it raises."""
    try:
        table = emitted(blocks, is_packed=True).to_arrow()
    except Exception as error:  # noqa: BLE001  both must raise the same
        return type(error)
    return table.schema, repr(table.to_pylist())


def test_nan_and_none_stay_different_in_arrow() -> None:
    items = ColumnItems(Rows(Features, Features._fields, (column_of([math.nan, None]), column_of([1, 2]))))
    values = emitted([items], is_packed=True).to_arrow()["a"].to_pylist()
    assert values[1] is None
    assert math.isnan(values[0])
