"""A model's input from columns is the input from the same rows as tuples: values, types and refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.types import ColSpec, DataType, Schema, TensorSpec

from makiserve.artifact.model_input import InputTable, table_from_schema
from makiserve.errors import PredictError
from makiserve.stream.columns.column import Rows, column_of, objects
from makiserve.stream.columns.items import ColumnItems
from tests.examples import examples

NAMES = ("a", "b")
NUMBERS = st.floats() | st.integers(-(2**70), 2**70) | st.integers(-5, 5) | st.booleans() | st.none()
ANYTHING = NUMBERS | st.text(max_size=2) | st.floats().map(np.float64) | st.integers(-5, 5).map(np.int64)
COLUMNS = st.one_of(*(st.lists(kind, min_size=6, max_size=6) for kind in (
    *(st.floats(), st.floats() | st.none(), st.integers(-(2**62), 2**62), st.integers(-9, 9) | st.none()),
    *(st.booleans(), st.booleans() | st.none(), st.text(max_size=2), NUMBERS, ANYTHING, st.none()),
)))  # fmt: skip


def of(kind: DataType, *, required: bool = True) -> Schema:
    return Schema([ColSpec(kind, name, required=required) for name in NAMES])


SCHEMAS = [
    *(of(kind, required=required) for kind in DataType for required in (True, False)),
    Schema([ColSpec(DataType.double, "b"), ColSpec(DataType.long, "a")]),
    Schema([TensorSpec(np.dtype(np.float32), (-1, 2))]),
    Schema([TensorSpec(np.dtype(np.int64), (-1, 2))]),
    Schema([TensorSpec(np.dtype(np.float64), (-1, 1), "a"), TensorSpec(np.dtype(np.int64), (-1,), "b")]),
]


@pytest.mark.slow
@examples(300)
@given(st.sampled_from(SCHEMAS), st.tuples(COLUMNS, COLUMNS), st.booleans(), st.booleans(), st.booleans())
def test_columns_give_the_input_of_rows(
    schema: Schema, values: tuple[list[Any], list[Any]], is_typed: bool, has_categories: bool, bare: bool
) -> None:
    categories = {"a": ["", "x"]} if has_categories else {}
    table = table_from_schema(schema, NAMES, categories, bare=bare)
    make = column_of if is_typed else objects
    columns = ColumnItems(Rows(None, (), tuple(map(make, values))))
    rows = list(zip(*values, strict=True))
    refused = table.columns.refused(columns)
    assert {index: str(error) for index, error in refused.items()} == refusals(table, rows)
    kept = [index for index in range(len(rows)) if index not in refused]
    if kept:
        ours, theirs = (
            built(table, given) for given in (ColumnItems(columns.column.take(kept)), [rows[i] for i in kept])
        )
        assert_same(ours, theirs)


def refusals(table: InputTable, rows: list[tuple[Any, ...]]) -> dict[int, str]:
    messages = {}
    for index, row in enumerate(rows):
        try:
            table.columns.check(row)
        except PredictError as error:
            messages[index] = str(error)
    return messages


def built(table: InputTable, rows: Any) -> Any:
    """The input, or the type of the exception that building it raises."""
    try:
        return table.build(rows)
    except Exception as error:  # noqa: BLE001  both must raise the same
        return type(error)


def assert_same(ours: Any, theirs: Any) -> None:
    assert type(ours) is type(theirs)
    if isinstance(theirs, pd.DataFrame):
        pd.testing.assert_frame_equal(ours, theirs, check_exact=True)
    elif isinstance(theirs, dict):
        assert ours.keys() == theirs.keys()
        for name in theirs:
            assert_same(ours[name], theirs[name])
    elif isinstance(theirs, np.ndarray):
        assert (ours.dtype, ours.shape, ours.flags["F_CONTIGUOUS"]) == (
            theirs.dtype,
            theirs.shape,
            theirs.flags["F_CONTIGUOUS"],
        )
        assert ours.tobytes() == theirs.tobytes() or repr(ours.tolist()) == repr(theirs.tolist())
    else:
        assert ours == theirs


@pytest.mark.parametrize("kind", [DataType.double, DataType.float])
def test_a_frame_of_columns_is_in_column_order(kind: DataType) -> None:
    table = table_from_schema(of(kind), NAMES)
    rows = ColumnItems(Rows(None, (), (column_of([1.5, 2.5]), column_of([1, 2]))))
    assert table.build(rows).to_numpy().flags["F_CONTIGUOUS"]
