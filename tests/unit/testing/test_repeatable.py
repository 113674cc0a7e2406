"""`assert_repeatable`: it passes for a pipeline whose state is in its operators, and names the record of any other."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import pytest
import rx
from rx import operators

import makiserve
import makiserve.stream as rs
from makiserve.errors import ArgumentError, PipelineError
from makiserve.scoring import Outputs, Scorer
from makiserve.stream.engine.trace import trace_factory
from makiserve.testing import assert_repeatable


class House(makiserve.Record):
    house: str
    kwh: float


class Features(NamedTuple):
    mean: float


READINGS = [House("AB"[number % 2], number * 0.37 % 1.9) for number in range(30)]


def rolling() -> Any:
    mean = rx.pipe(rs.ops.map(lambda i: i.kwh), rs.data.roll(4, 1, rs.math.mean(reduce=True)))
    return rx.pipe(rs.ops.group_by(lambda i: i.house, mean), rs.ops.map(lambda mean: Features(mean)))


@pytest.mark.slow
def test_pipeline_with_state_in_operators_passes() -> None:
    assert_repeatable(rolling, READINGS, record=House, rounds=5)


def test_records_may_be_dicts_and_damaged_messages() -> None:
    records = [{"house": "A", "kwh": float(number)} for number in range(8)]
    assert_repeatable(rolling, [*records, b"damaged", *records], record=House, rounds=5)


def test_state_outside_the_operators_is_reported_with_the_calls() -> None:
    def counting() -> Any:
        total = itertools.count()  # a new process counts from 0 again
        return rs.ops.map(lambda i: Features(i.kwh + next(total)))

    with pytest.raises(AssertionError) as caught:
        assert_repeatable(counting, READINGS, record=House)
    message = str(caught.value)
    assert "with a checkpoint and a crash after each batch: the output of record 1 differs" in message
    assert "driver.process(1)\n    driver.checkpoint()\n    driver.process(0)\n    driver.crash()" in message


def test_state_that_survives_a_process_is_reported() -> None:
    seen: list[float] = []

    def remembering() -> Any:
        return rs.ops.map(lambda i: Features(seen.append(i.kwh) or len(seen)))  # type: ignore[func-returns-value]

    with pytest.raises(AssertionError, match="the output of record 0 differs"):
        assert_repeatable(remembering, READINGS, record=House)


def test_records_without_output_prove_nothing() -> None:
    with pytest.raises(AssertionError, match=r"^3 records gave no output.* give more records$"):
        assert_repeatable(rolling, READINGS[:3], record=House)


def test_state_that_cannot_be_saved_is_refused() -> None:
    def hidden() -> Any:
        return rx.pipe(operators.pairwise(), rs.ops.map(lambda pair: Features(pair[0].kwh)))

    with pytest.raises(PipelineError, match="cannot be saved and restored"):
        assert_repeatable(hidden, READINGS, record=House)


def test_factory_without_a_record_type_is_refused() -> None:
    with pytest.raises(ArgumentError, match="record=House"):
        assert_repeatable(rolling, READINGS)


class Sizes:
    """A model whose last bits depend on the number of rows, as those of BLAS may."""

    inputs = ("mean",)
    record = House

    def __init__(self, error: float) -> None:
        self.error = error
        self.predictor = self

    def check(self, row: tuple[Any, ...]) -> None:
        pass

    def predict(self, rows: list[tuple[Any, ...]]) -> list[Any]:
        return [row[0] * (1 + self.error * len(rows)) for row in rows]

    def scorer(self, *, is_tracked: bool = False) -> Scorer:
        return Scorer(trace_factory(rolling), self, is_tracked=is_tracked)

    def outputs(self) -> Outputs:
        return Outputs(House, ("mean",), has_model=True, has_post=False)


@pytest.mark.slow
def test_model_may_differ_in_the_last_bits_unless_it_is_forbidden() -> None:
    model: Any = Sizes(error=1e-13)
    assert_repeatable(model, READINGS, rounds=2)
    with pytest.raises(AssertionError, match="the output of record 6 differs"):
        assert_repeatable(model, READINGS, rounds=2, tolerance=0)
    worse: Any = Sizes(error=1e-6)
    with pytest.raises(AssertionError, match="the output of record 6 differs"):
        assert_repeatable(worse, READINGS, rounds=2)
