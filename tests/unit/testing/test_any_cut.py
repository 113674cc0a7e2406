"""Any pipeline, any cut into batches, checkpoints, aborts and crashes: the outputs are those of one run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makiserve.errors import PredictError
from makiserve.scoring import Outputs, Scorer
from makiserve.stream.engine.trace import trace_factory
from makiserve.testing import PipelineDriver
from tests.examples import examples
from tests.unit.serving.pipelines import EVENTS, KEYED, PIPELINES, Event, Make

ENDS = ["commit", "checkpoint", "checkpoint_slice", "abort", "crash"]
BATCHES = st.lists(st.tuples(st.integers(1, 9), st.sampled_from(ENDS)), max_size=12)
SLICES = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from(["checkpoint_slice", "checkpoint_slice", "abort", "crash", "commit"])),
    min_size=5,
    max_size=30,
)
Result = tuple[int, str, str]


class Doubler:
    """A model of rows that are independent of each other; it refuses some."""

    inputs = ("number",)

    def check(self, row: tuple[Any, ...]) -> None:
        if row[0] == 7:
            raise PredictError("it dislikes 7")

    def predict(self, rows: list[tuple[Any, ...]]) -> list[Any]:
        return [2 * row[0] for row in rows]


class Doubled(NamedTuple):
    """A model with a random pipeline, for the driver."""

    make: Make
    record: type[Event] = Event
    predictor: Doubler = Doubler()

    def scorer(self, *, is_tracked: bool = False) -> Scorer:
        return Scorer(trace_factory(self.make), self.predictor, is_tracked=is_tracked)

    def outputs(self) -> Outputs:
        return Outputs(Event, ("number",), emit=("prediction", "features"), has_model=True, has_post=False)


@pytest.fixture(autouse=True, scope="module")
def one_group_a_block() -> Iterator[None]:
    """A slice of a checkpoint holds one group."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("makiserve.stream.engine.parts.BLOCK", 1)
        patch.setattr("makiserve.stream.columns.checkpoint.BLOCK", 1)
        yield


def results(driver: PipelineDriver) -> list[Result]:
    """Return outputs and dead letters, each in order."""
    outputs = [(output.offset, repr(output.item), output.json.decode()) for output in driver.outputs]
    return outputs + [
        (dead_letter.offset, dead_letter.reason, repr(dead_letter.error)) for dead_letter in driver.dead_letters
    ]


@pytest.mark.slow
@examples(150)
@given(PIPELINES, st.lists(EVENTS | st.just(b"damaged"), max_size=60), BATCHES)
def test_any_cut_gives_the_outputs_of_one_run(
    make: Make, events: list[Event | bytes], batches: list[tuple[int, str]]
) -> None:
    check(make, events, batches)


@pytest.mark.slow
@examples(150)
@given(KEYED, st.lists(EVENTS | st.just(b"damaged"), min_size=20, max_size=60), SLICES)
def test_any_cut_while_checkpoints_are_written_gives_the_outputs_of_one_run(
    make: Make, events: list[Event | bytes], batches: list[tuple[int, str]]
) -> None:
    """The groups are independent of each other, so records are processed between the slices of a checkpoint."""
    check(make, events, batches)


def check(make: Make, events: list[Event | bytes], batches: list[tuple[int, str]]) -> None:
    whole, driver = (PipelineDriver(Doubled(make)) for _ in range(2))  # type: ignore[arg-type]
    for either in (whole, driver):
        either.send(*events)
    whole.process()
    whole.commit()
    for count, end in batches:
        driver.process(count)
        getattr(driver, end)()
    driver.process()
    driver.commit()
    assert driver.committed == len(events)
    assert results(driver) == results(whole)
