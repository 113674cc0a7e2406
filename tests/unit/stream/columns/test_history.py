"""Earlier items are those of lag, and a history goes from batch to batch."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

import makiserve.stream as rs
from makiserve.stream.columns.history import advance, earlier
from tests.examples import examples
from tests.unit.stream.columns.batches import CUTS, RowEngine, batches, lanes, same


@examples(40)
@given(items=lanes(float), cuts=CUTS, size=st.integers(1, 5))
def test_shifted_items_are_those_of_lag(items: list[list[float]], cuts: list[int], size: int) -> None:
    engine = RowEngine(rs.data.lag(size), len(items))
    for batch in batches(items, cuts):
        values, held = batch.column(float).values, batch.history(size, float).values
        shifted = earlier(held, batch.counts, values, batch.segments, size)
        assert same([*zip(shifted.tolist(), values.tolist(), strict=True)], engine.feed(batch)[0])
        rows = advance(held, values, batch.segments).tolist()
        for row, before, new in zip(rows, batch.earlier, batch.new, strict=True):
            kept = [*before, *new][-size:]
            assert same(row[size - len(kept) :], kept)
