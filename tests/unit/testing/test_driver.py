"""The driver: what is committed, what a crash loses, and what late and duplicate records do."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
import rx

import makiserve
import makiserve.stream as rs
from makiserve.errors import StateError
from makiserve.testing import PipelineDriver


class Step(makiserve.Record):
    value: float


class Features(NamedTuple):
    total: float


def totals() -> Any:
    return rx.pipe(rs.ops.map(lambda i: 10 / i.value), rs.math.sum(), rs.ops.map(lambda total: Features(total)))


@pytest.fixture
def driver() -> PipelineDriver:
    driver = PipelineDriver(totals, record=Step)
    driver.send(Step(1.0), Step(2.0), Step(5.0), Step(10.0))
    return driver


def committed(driver: PipelineDriver) -> list[float]:
    return [output.item.total for output in driver.outputs]


def test_outputs_are_committed_with_their_records(driver: PipelineDriver) -> None:
    driver.process(2)
    assert (driver.position, driver.committed, driver.outputs) == (2, 0, [])
    driver.commit()
    assert driver.committed == 2
    assert [(output.offset, output.json) for output in driver.outputs] == [
        (0, b'{"total":10.0}'),
        (1, b'{"total":15.0}'),
    ]


@pytest.mark.parametrize("end", ["abort", "crash"])
def test_uncommitted_records_are_processed_again(driver: PipelineDriver, end: str) -> None:
    driver.process(1)
    driver.commit()
    driver.process(2)
    getattr(driver, end)()
    assert driver.position == 1
    driver.process()
    driver.commit()
    assert committed(driver) == [10.0, 15.0, 17.0, 18.0]


def test_a_crash_restores_the_checkpoint_and_the_records_after_it(driver: PipelineDriver) -> None:
    driver.process(1)
    driver.checkpoint()
    driver.process(2)
    driver.commit()
    driver.crash()
    driver.process()
    driver.commit()
    assert committed(driver) == [10.0, 15.0, 17.0, 18.0]
    assert driver.history == [
        "process(1)",
        "checkpoint()",
        "process(2)",
        "commit()",
        "crash()",
        "process()",
        "commit()",
    ]


def test_duplicate_and_late_records_are_sent_again(driver: PipelineDriver) -> None:
    driver.send(Step(1.0), {"value": 2.0})
    driver.process()
    driver.commit()
    assert committed(driver) == [10.0, 15.0, 17.0, 18.0, 28.0, 33.0]


def test_failed_records_are_dead_letters(driver: PipelineDriver) -> None:
    driver.send(b"damaged", Step(0.0), Step(10.0))
    driver.process()
    driver.checkpoint_slice()
    driver.crash()
    assert [(dead.offset, dead.reason) for dead in driver.dead_letters] == [(4, "decode"), (5, "operator")]
    assert committed(driver)[-1] == 19.0


def test_a_factory_that_returns_another_pipeline_is_refused() -> None:
    sizes = iter([2, 3])
    driver = PipelineDriver(lambda: rs.data.lag(next(sizes)), record=Step)
    with pytest.raises(StateError, match="the same operators each time"):
        driver.crash()
