"""The second pipeline: what it is given, what it emits, what a failing record leaves behind."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
import rx

import makiserve
import makiserve.stream as rs
from makiserve.errors import OperatorError, PredictError, StateError
from makiserve.records import Record
from makiserve.scoring import Batch, Prediction, Scored, Scorer
from makiserve.scoring.scored import Posted
from makiserve.stream.engine.trace import trace
from tests.loops import loop_over


class Reading(Record):
    x: float


class Features(NamedTuple):
    house: str
    total: float


class Alert(NamedTuple):
    house: str
    mean: float


class Doubler:
    """Doubles its input, refuses 13."""

    inputs = ("total",)

    def __init__(self) -> None:
        self.calls = 0

    def check(self, row: tuple[Any, ...]) -> None:
        if row == (13,):
            raise PredictError("unlucky")

    def predict(self, rows: list[tuple[Any, ...]]) -> list[Any]:
        self.calls += 1
        return [2 * total for (total,) in rows]


FEATURES = rs.ops.map(lambda r: Features("a", r.x))
TWICE = rx.pipe(rs.ops.map(lambda r: [Features("a", r.x), Features("b", r.x + 1)]), rs.ops.flat_map())


def checked(p: Prediction) -> Prediction:
    return p if p.prediction != 14 else 1 / 0  # type: ignore[return-value]  # it raises


def smooth() -> Any:
    """The mean of the last two predictions, where it is over 4; 1/0 at a prediction of 14."""
    return rx.pipe(
        rs.ops.map(checked),
        rs.data.roll(2, 1, rs.ops.tee_map(rs.ops.last(), rs.math.mean(lambda p: p.prediction, reduce=True))),
        rs.ops.map(lambda i: Alert(i[0].features.house, i[1])),
        rs.ops.filter(lambda alert: alert.mean > 4),
    )


def scorer(features: Any = FEATURES, post: Any = None, model: Any = None) -> Scorer:
    return Scorer(trace(features), model or Doubler(), trace(post or smooth()))


def readings(*values: float) -> list[Record]:
    return [Reading(value) for value in values]


def outputs(scored: Scored) -> Posted:
    assert scored.posted is not None
    return scored.posted


def test_post_outputs_are_matched_to_the_records_that_caused_them() -> None:
    tested = scorer()

    (scored,) = tested.score([Batch(tested.new_lane(), readings(1, 2, 3, 4))])

    assert outputs(scored) == ([2, 3], [Alert("a", 5), Alert("a", 7)])
    assert scored.predictions == [2, 4, 6, 8]


def test_lanes_have_post_states_of_their_own_and_one_call_of_the_model() -> None:
    model = Doubler()
    tested = scorer(model=model)
    lane, other = tested.new_lane(), tested.new_lane()

    first, second = tested.score([Batch(lane, readings(1, 2)), Batch(other, readings(10, 20))])

    assert outputs(first) == ([], [])
    assert outputs(second) == ([1], [Alert("a", 30)])
    assert model.calls == 1


@loop_over("size", [1, 2, 3, 7, 100])
@loop_over("features", [FEATURES, TWICE], ids=["one output", "two outputs"])
def test_batches_do_not_change_what_post_emits(size: int, features: Any) -> None:
    records = readings(*(x % 14 for x in range(60)))  # 13 is refused by the model, 7 and 6 by post
    whole = scorer(features)
    (expected,) = whole.score([Batch(whole.new_lane(), records)])
    tested = scorer(features)
    lane = tested.new_lane()
    causes: list[int] = []
    items: list[Any] = []
    dead: list[int] = []
    for start in range(0, len(records), size):
        (scored,) = tested.score([Batch(lane, records[start : start + size])])
        causes += [start + cause for cause in outputs(scored)[0]]
        items += outputs(scored)[1]
        dead += [start + index for index, _ in scored.dead]

    assert (causes, items) == outputs(expected)
    assert dead == [index for index, _ in expected.dead]
    assert set(causes).isdisjoint(dead)


def test_a_record_on_which_post_fails_leaves_no_trace_in_the_state_of_post() -> None:
    tested, clean = scorer(), scorer()

    (scored,) = tested.score([Batch(tested.new_lane(), readings(3, 7, 4))])
    (expected,) = clean.score([Batch(clean.new_lane(), readings(3, 4))])

    assert outputs(scored) == ([2], outputs(expected)[1])
    assert [(index, type(error)) for index, error in scored.dead] == [(1, OperatorError)]
    assert scored.predictions == [6, 8]


def test_outputs_of_a_record_pass_post_together_or_not_at_all() -> None:
    tested, clean = scorer(TWICE), scorer(TWICE)

    (scored,) = tested.score([Batch(tested.new_lane(), readings(3, 6, 4))])  # 6 + 1: the second output fails
    (expected,) = clean.score([Batch(clean.new_lane(), readings(3, 4))])

    assert [index for index, _ in scored.dead] == [1]
    assert outputs(scored)[1] == outputs(expected)[1]
    assert set(outputs(scored)[0]) == {0, 2}


def test_a_record_that_the_model_refuses_never_comes_to_post() -> None:
    tested = scorer()

    (scored,) = tested.score([Batch(tested.new_lane(), readings(3, 13, 4))])

    assert [(index, type(error)) for index, error in scored.dead] == [(1, PredictError)]
    assert outputs(scored) == ([2], [Alert("a", 7)])


def test_rebuilding_restores_what_post_remembers() -> None:
    tested = scorer()
    lane, rebuilt = tested.new_lane(), tested.new_lane()
    tested.score([Batch(lane, readings(1, 2, 9))])

    tested.rebuild(Batch(rebuilt, readings(1, 2, 9)))

    assert tested.score([Batch(rebuilt, readings(4))]) == tested.score([Batch(lane, readings(4))])


def test_rebuilding_does_not_call_the_model_where_post_remembers_nothing() -> None:
    model = Doubler()
    tested = scorer(rs.math.sum(lambda r: r.x), rs.ops.filter(lambda p: p.prediction > 4), model)

    tested.rebuild(Batch(tested.new_lane(), readings(1)))

    assert model.calls == 0


def test_the_state_of_post_is_checkpointed_with_the_features_that_it_holds() -> None:
    tested = scorer()
    lane, other = tested.new_lane(), tested.new_lane()
    tested.score([Batch(lane, readings(1, 2))])

    saved = [checkpoints.dump(state) for checkpoints, state in zip(tested.checkpoints, lane.states, strict=True)]
    other.states[:] = [
        checkpoints.load(saved_state) for checkpoints, saved_state in zip(tested.checkpoints, saved, strict=True)
    ]

    assert len(saved) == 2
    assert tested.score([Batch(other, readings(4))]) == tested.score([Batch(lane, readings(4))])


def test_the_checkpoint_of_another_post_pipeline_is_refused() -> None:
    tested, other = scorer(), scorer(post=rs.ops.count())

    with pytest.raises(StateError, match="belongs to another pipeline"):
        other.checkpoints[1].load(tested.checkpoints[1].dump(tested.new_lane().states[1]))
    assert tested.fingerprint != other.fingerprint


def test_a_scorer_is_stateless_where_all_its_pipelines_are() -> None:
    still = rs.ops.map(lambda p: p)

    assert scorer(post=still).stateless
    assert not scorer().stateless


def test_an_operator_that_hides_its_state_is_found_in_post_too() -> None:
    assert scorer(post=rx.operators.scan(lambda total, p: total + p.prediction, 0)).hidden


def test_a_post_pipeline_is_given_the_class_that_users_import() -> None:
    assert makiserve.Prediction is Prediction
