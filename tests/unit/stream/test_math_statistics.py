"""Statistics by hand: what they emit at the edges, and what they refuse."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone
from typing import Any

import distogram
import pytest
import rx
import rxsci
from hypothesis import given
from hypothesis import strategies as st

import makiserve.stream as rs
from makiserve.errors import PipelineError
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from makiserve.stream.rxsci.distribution.distribution import Distribution
from tests.loops import loop_over
from tests.unit.stream.feed import emitted


@loop_over(
    ("operator", "expected"),
    [
        (rs.math.formal.variance(reduce=True), 0.0),
        (rs.math.formal.stddev(reduce=True), 0.0),
        (rs.math.ewm_mean(alpha=0.5, reduce=True), None),
        (rs.math.ewm_stddev(alpha=0.5, reduce=True), 0.0),
        (rs.math.ewm_mean(halflife="1s", time_mapper=lambda i: i, reduce=True), None),
        (rs.math.ewm_stddev(halflife="1s", time_mapper=lambda i: i, reduce=True), 0.0),
        (rs.math.skew(reduce=True), None),
        (rs.math.argmin(reduce=True), None),
        (rs.math.argmax(reduce=True), None),
        (rs.math.top_k(3, reduce=True), ()),
        (rs.math.covariance(reduce=True), 0.0),
        (rs.math.correlation(reduce=True), None),
        (rs.math.slope(reduce=True), None),
        (rs.math.rate(lambda i: i, reduce=True), 0.0),
        (rs.math.quantile(0.9, reduce=True), None),
        (rs.math.distinct_count(reduce=True), 0),
        (rs.math.dist.update(reduce=True), Distribution(100, False)),
    ],
)
def test_of_nothing(operator: Any, expected: Any) -> None:
    assert emitted(operator, []) == [expected]


def test_a_population_is_divided_by_n() -> None:
    assert emitted(rs.math.formal.variance(), [1, 2, 3, 4]) == pytest.approx([0, 0.25, 2 / 3, 1.25])
    assert emitted(rs.math.formal.stddev(), [1, 3]) == [0.0, 1.0]


def test_alpha_one_keeps_the_last_item() -> None:
    assert emitted(rs.math.ewm_mean(alpha=1), [3, 5, 4]) == [3, 5, 4]
    assert emitted(rs.math.ewm_stddev(alpha=1), [3, 5, 4]) == [0.0, 0.0, 0.0]


def test_a_weight_halves_after_the_halflife() -> None:
    assert emitted(rs.math.ewm_mean(halflife=2), [1, 0, 0])[-1] == pytest.approx(0.5 / (0.5 + 0.5**0.5 + 1))


def test_rates_count_intervals() -> None:
    assert emitted(rs.math.rate(lambda i: i), [0, 100, 300]) == pytest.approx([0, 10, 20 / 3])
    assert emitted(rs.math.rate(lambda i: i, reduce=True), [300, 0, 100]) == pytest.approx([20 / 3])
    times = [datetime(2026, 1, 1, hour, tzinfo=timezone.utc) for hour in (0, 2, 4)]
    assert emitted(rs.math.rate(lambda i: i, per=timedelta(days=1), reduce=True), times) == [12.0]


def test_values_without_an_order_fail_their_record_only() -> None:
    for operator in (rs.math.median(reduce=True), rs.math.dist.update(reduce=True)):
        program = Program(trace(operator))
        state = program.new_state()
        fed = program.feed([1.0, float("nan"), 3.0], state)
        assert [index for index, _ in fed.failures] == [1]
        assert "NaN" in str(fed.failures[0][1])


@loop_over(
    ("make", "words"),
    [
        (lambda: rs.math.quantile(1.5), "between 0 and 1"),
        (lambda: rs.math.ewm_mean(), "either"),
        (lambda: rs.math.ewm_mean(alpha=0.1, halflife=2), "either"),
        (lambda: rs.math.ewm_stddev(alpha=0), "alpha"),
        (lambda: rs.math.ewm_mean(halflife="6h"), "For a duration, give time_mapper"),
        (lambda: rs.math.ewm_mean(halflife=6, time_mapper=abs), "halflife must be a timedelta or a text"),
        (lambda: rs.math.ewm_mean(alpha=0.5, time_mapper=abs), "with time_mapper, give halflife"),
        (lambda: rs.math.ewm_stddev(halflife="1us", time_mapper=abs), "ewm_stddev: halflife"),
        (
            lambda: rs.math.ewm_stddev(halflife="1s", time_mapper="time"),  # type: ignore[arg-type]
            "ewm_stddev: time_mapper must be a function",
        ),
        (lambda: rs.math.ewm_stddev(halflife=0), "halflife"),
        (lambda: rs.math.rate(abs, per=timedelta(0)), "per"),
        (lambda: rs.math.dist.update(0), "bin_count"),
        (lambda: rs.math.dist.histogram(0), "bin_count"),
        (lambda: rs.math.dist.quantile(-1), "between 0 and 1"),
        (lambda: rs.math.dist.describe([0.5, 0.5]), "different"),
    ],
)
def test_wrong_arguments_are_refused(make: Any, words: str) -> None:
    with pytest.raises(PipelineError, match=words):
        make()


NUMBERS = st.lists(st.integers(-1000, 1000).map(lambda i: i / 8), min_size=1, max_size=60)
READ = {
    "min": lambda m: m.math.dist.min(),
    "max": lambda m: m.math.dist.max(),
    "mean": lambda m: m.math.dist.mean(),
    "variance": lambda m: m.math.dist.variance(),
    "stddev": lambda m: m.math.dist.stddev(),
    "quantile": lambda m: m.math.dist.quantile(0.3),
    "describe": lambda m: m.math.dist.describe(),
}


@pytest.mark.parametrize("read", READ.values(), ids=READ)
@given(numbers=NUMBERS)
def test_exact_distributions_read_as_rxscis(read: Any, numbers: list[float]) -> None:
    expected: list[Any] = []
    rx.from_(numbers).pipe(rxsci.math.dist.update(reduce=True), read(rxsci)).subscribe(expected.append)
    assert emitted(rx.pipe(rs.math.dist.update(reduce=True), read(rs)), numbers) == [pytest.approx(expected[0])]


@pytest.mark.parametrize("weighted", [False, True])
def test_the_bins_are_distograms(weighted: bool) -> None:
    chance, theirs = random.Random(3), distogram.Distogram(20, weighted)
    numbers = [chance.gauss(0, 10) for _ in range(3000)]
    for number in numbers:
        theirs = distogram.update(theirs, number)
    (ours,) = emitted(rs.math.dist.update(20, weighted, reduce=True), numbers)
    assert (ours.min, ours.max, ours.total) == (theirs.min, theirs.max, len(numbers))
    assert distogram.quantile(ours, 0.5) == pytest.approx(distogram.quantile(theirs, 0.5), abs=1.0)
    if not weighted:
        assert [value for value, _ in ours.bins] == pytest.approx([value for value, _ in theirs.bins])


def test_a_distribution_that_is_kept_downstream_survives_a_checkpoint() -> None:
    program = Program(trace(rx.pipe(rs.math.dist.update(2), rs.data.lag())))
    checkpoints, state = Checkpoints(program), program.new_state()
    program.feed([1, 2, 3], state)
    (pair,) = program.feed([4], checkpoints.load(checkpoints.dump(state))).outputs
    assert [dist.total for dist in pair] == [3, 4]


def test_a_quantile_is_named_for_its_per_cent() -> None:
    (description,) = emitted(
        rx.pipe(rs.math.dist.update(reduce=True), rs.math.dist.describe([0.29, 0.999])), range(1000)
    )
    assert description._fields == ("min", "max", "mean", "stddev", "p29", "p99_9")


def test_a_histogram_counts_every_item_and_comes_when_there_are_bins_enough() -> None:
    assert emitted(rx.pipe(rs.math.dist.update(), rs.math.dist.histogram(4)), [1, 2, 3]) == []
    (bars,) = emitted(rx.pipe(rs.math.dist.update(reduce=True), rs.math.dist.histogram(4)), range(40))
    assert sum(bars[0]) == pytest.approx(40)
    assert bars[1] == [0, 9.75, 19.5, 29.25, 39]
