"""Rolling reductions in columns give the row engine's results, whatever the strategy and the cut."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import makiserve.stream as rs
from makiserve.stream.columns import rolling
from makiserve.stream.columns.column import Column, column_of
from makiserve.stream.columns.folds import ObjectFold, column_fold
from makiserve.stream.columns.rolling import Rolling
from makiserve.stream.columns.segments import Segments
from makiserve.stream.columns.slices import Slices
from tests.examples import examples
from tests.unit.stream.columns.batches import CUTS, RowEngine, batches, lanes, listed, node, same

OPERATORS: dict[str, Any] = {
    "count": lambda reduce, skip_missing, min_periods: rs.ops.count(reduce, skip_missing=skip_missing),
    "sum": rs.math.sum,
    "mean": rs.math.mean,
    "variance": rs.math.variance,
    "stddev": rs.math.stddev,
    "ewm_mean": partial(rs.math.ewm_mean, alpha=0.3),
    "ewm_stddev": partial(rs.math.ewm_stddev, halflife=2),
    "skew": rs.math.skew,
    "min": rs.math.min,
    "max": rs.math.max,
    "distinct_count": rs.math.distinct_count,
}


@examples(10)
@given(
    data=st.data(),
    kind=st.sampled_from([float, int, bool]),
    cuts=CUTS,
    window=st.integers(1, 12),
    stride=st.integers(1, 14),
)
@pytest.mark.parametrize("few", [0, 1000])
@pytest.mark.parametrize("name", OPERATORS)
def test_windows_are_those_of_the_row_engine(
    name: str, few: int, data: st.DataObject, kind: type, cuts: list[int], window: int, stride: int
) -> None:
    skips = data.draw(st.booleans())
    operator = OPERATORS[name](reduce=True, skip_missing=skips, min_periods=data.draw(st.none() | st.integers(1, 3)))
    items = data.draw(lanes(kind, is_missing=skips))
    engine = RowEngine(rs.data.roll(window, stride, operator), len(items))
    fold = None
    for batch in batches(items, cuts):
        column = batch.column(kind)
        fold = fold or column_fold(node(operator), column)
        windows = Rolling(Slices(window, stride), batch.segments, batch.counts)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rolling, "FEW", few)
            rolled = windows.roll(fold, windows.extend(batch.history(window - 1, kind), column))
        outputs, causes = engine.feed(batch)
        assert rolled.odd is None
        assert windows.closing.tolist() == causes
        assert same(rolled.results.items(), outputs)


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_many_boundaries_are_computed_in_chunks(stride: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rolling, "CHUNK_BOUNDARIES", 5)
    generator = np.random.default_rng(stride)
    items = [generator.normal(1e3, 1, length).tolist() for length in generator.integers(1, 300, 5)]
    for operator in (rs.math.stddev(reduce=True), rs.math.min(reduce=True), rs.math.ewm_mean(alpha=0.1, reduce=True)):
        engine = RowEngine(rs.data.roll(20, stride, operator), len(items))
        for batch in batches(items, [150]):
            fold = column_fold(node(operator), batch.column(float))
            windows = Rolling(Slices(20, stride), batch.segments, batch.counts)
            rolled = windows.roll(fold, windows.extend(batch.history(19, float), batch.column(float)))
            assert same(rolled.results.items(), engine.feed(batch)[0])


def test_many_windows_are_computed_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rolling, "CHUNK", 7)
    generator = np.random.default_rng(1)
    items = [generator.normal(1e3, 1, length).tolist() for length in generator.integers(1, 12, 40)]
    engine = RowEngine(rs.data.roll(4, 1, rs.math.stddev(reduce=True)), len(items))
    for batch in batches(items, [1, 2]):
        fold = column_fold(node(rs.math.stddev(reduce=True)), batch.column(float))
        windows = Rolling(Slices(4, 1), batch.segments, batch.counts)
        rolled = windows.roll(fold, windows.extend(batch.history(3, float), batch.column(float)))
        assert same(rolled.results.items(), engine.feed(batch)[0])


def test_a_segment_on_which_the_reduction_raises_is_left_to_the_row_engine() -> None:
    column = column_of(["b", 1, "a", "c", "d", "e"])
    fold = column_fold(node(rs.math.min(reduce=True)), column)
    assert isinstance(fold, ObjectFold)
    windows = Rolling(Slices(2, 1), Segments(np.array([3, 3])), np.array([0, 0]))
    rolled = windows.roll(fold, windows.extend(Column(np.empty((2, 1), object)), column))
    assert listed(rolled.odd) == [True, False]
    assert rolled.results.items() == [None, None, "c", "d"]
