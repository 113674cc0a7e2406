"""Shifts pair items as lag does, and history goes from batch to batch."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import makiserve.stream as rs
from makiserve.stream.columns.shift import last, shift
from tests.unit.stream.columns.batches import CUTS, RowEngine, batches, lanes, same


@settings(max_examples=40, deadline=None)
@given(items=lanes(float), cuts=CUTS, size=st.integers(1, 5))
def test_shifted_items_are_those_of_lag(items: list[list[float]], cuts: list[int], size: int) -> None:
    engine = RowEngine(rs.data.lag(size), len(items))
    for batch in batches(items, cuts):
        column, history = batch.column(float), batch.history(size, float)
        history = history.__class__(history.values.reshape(-1))
        shifted = shift(column, batch.segments, history, batch.counts, size)
        assert same([*zip(shifted.items(), column.items(), strict=True)], engine.feed(batch)[0])
        rows = np.array(last(column, batch.segments, history, size).items()).reshape(-1, size).tolist()
        for row, earlier, new in zip(rows, batch.earlier, batch.new, strict=True):
            kept = [*earlier, *new][-size:]
            assert same(row[size - len(kept) :], kept)
