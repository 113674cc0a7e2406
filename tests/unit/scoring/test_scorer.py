"""The one scoring path, with a model made for the test."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
import rx

import makiserve.stream as rs
from makiserve.errors import DecodeError, OperatorError, PredictError
from makiserve.records import Record
from makiserve.scoring import Batch, Scorer
from makiserve.stream.engine.trace import trace


class Reading(Record):
    x: float


class Features(NamedTuple):
    label: float
    total: float


class Doubler:
    """Doubles its input; refuses to be given -1, and fails a whole batch that holds 13."""

    inputs = ("total",)

    def __init__(self) -> None:
        self.calls: list[int] = []

    def check(self, row: tuple[Any, ...]) -> None:
        if row[0] == -1:
            raise PredictError("total is -1")

    def predict(self, rows: list[tuple[Any, ...]]) -> list[Any]:
        self.calls.append(len(rows))
        if (13.0,) in rows:
            raise ValueError("unlucky")
        return [2 * total for (total,) in rows]


def plan() -> Any:
    return trace(
        rx.pipe(
            rs.ops.map(lambda r: r.x if r.x != 7 else 1 / 0),
            rs.ops.tee_map(rs.ops.map(lambda x: x), rs.math.sum()),
            rs.ops.map(lambda i: Features(*i)),
        )
    )


def test_lanes_have_states_of_their_own_and_share_one_call_of_the_model() -> None:
    model = Doubler()
    scorer = Scorer(plan(), model)
    lane, other = scorer.new_lane(), scorer.new_lane()
    first, second = scorer.score([Batch(lane, [Reading(1), Reading(2)]), Batch(other, [Reading(10)])])
    assert (first.causes, first.predictions) == ([0, 1], [2, 6])
    assert second.predictions == [20]
    assert first.features[1] == Features(2, 3)
    assert model.calls == [3]


def test_every_record_ends_once_as_outputs_or_as_a_dead_letter() -> None:
    scorer = Scorer(plan(), Doubler())
    damaged = DecodeError("not JSON")
    records: list[Record | DecodeError] = [Reading(5), damaged, Reading(7), Reading(8), Reading(-14), Reading(3)]
    (scored,) = scorer.score([Batch(scorer.new_lane(), records)])
    assert (scored.causes, scored.predictions) == ([0, 5], [10, 4])
    assert [(index, type(error)) for index, error in scored.dead] == [
        (1, DecodeError),
        (2, OperatorError),
        (3, PredictError),
        (4, PredictError),
    ]
    assert "unlucky" in str(scored.dead[2][1])


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_batches_do_not_change_the_outputs(size: int) -> None:
    records = [Reading(float(x)) for x in range(40)]
    scorer = Scorer(plan(), Doubler())
    lane = scorer.new_lane()
    outputs: list[tuple[int, Any]] = []
    dead: list[int] = []
    for start in range(0, len(records), size):
        (scored,) = scorer.score([Batch(lane, records[start : start + size])])
        outputs += [(start + cause, p) for cause, p in zip(scored.causes, scored.predictions, strict=True)]
        dead += [start + index for index, _ in scored.dead]
    whole = Scorer(plan(), Doubler())
    (expected,) = whole.score([Batch(whole.new_lane(), records)])
    assert outputs == list(zip(expected.causes, expected.predictions, strict=True))
    assert dead == [index for index, _ in expected.dead]


def test_a_record_of_several_outputs_is_dead_lettered_as_a_whole() -> None:
    def both(r: Reading) -> Any:
        return r.x

    branches = rs.ops.tee_map(
        rs.ops.map(lambda x: Features(x, x)), rs.ops.map(lambda x: Features(x, 13.0)), join="merge"
    )
    scorer = Scorer(trace(rx.pipe(rs.ops.map(both), branches)), Doubler())
    (scored,) = scorer.score([Batch(scorer.new_lane(), [Reading(1)])])
    assert scored.causes == []
    assert [index for index, _ in scored.dead] == [0]


def test_features_alone_need_no_model() -> None:
    scorer = Scorer(plan())
    (scored,) = scorer.score([Batch(scorer.new_lane(), [Reading(1)])])
    assert scored.features == [Features(1, 1)]
    assert scored.predictions == [None]
