"""A key's stacks are those that the row engine has after the same items."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import makiserve.stream as rs
from makiserve.stream.columns.column import column_of
from makiserve.stream.columns.folds import column_fold
from makiserve.stream.columns.slices import Slices
from makiserve.stream.columns.steps.pane_states import stacks
from tests.examples import examples
from tests.unit.stream.columns.batches import RowEngine, batches, node, same


@examples(60)
@given(count=st.integers(1, 60), window=st.integers(1, 12), stride=st.integers(1, 14))
@pytest.mark.parametrize("operator", [rs.math.stddev, rs.math.sum], ids=["stddev", "sum"])
def test_stacks_are_those_of_the_row_engine(operator: Any, count: int, window: int, stride: int) -> None:
    items = [index * 1.7 % 3 for index in range(count)]
    engine = RowEngine(rs.data.roll(window, stride, operator(reduce=True)), 1)
    for batch in batches([items], [count]):
        engine.feed(batch)
    column = column_of(items[-max(window - 1, 1) :])
    fold = column_fold(node(operator(reduce=True)), column)
    actual = stacks(fold, fold.read(column), Slices(window, stride), count)
    _, position, *slots = engine.states[0]
    assert position == count
    theirs = [[pane[1] for pane in stack] for stack in slots if isinstance(stack, list)]  # not the mark of a removal
    for ours, expected in zip(actual, theirs, strict=False):  # windows of one pane have only the first slot
        assert same(ours, expected)
