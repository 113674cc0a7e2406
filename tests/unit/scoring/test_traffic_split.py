"""The model that scores a record, and the records that the other models get."""

from __future__ import annotations

import pytest
import rx

from makiserve.errors import PredictError
from makiserve.scoring import Batch, Scorer
from makiserve.scoring.predictor import Companions
from makiserve.scoring.traffic_split import challenged, is_challenged
from makiserve.stream import ops
from makiserve.stream.engine.trace import trace
from tests.unit.serving.fakes import Features, Model, Step

PLAN = trace(rx.pipe(ops.map(lambda step: Features(step.value))))
KEYS = [f"house {number}".encode() for number in range(10_000)]
STEPS = [Step(float(number)) for number in range(20, 40)]


class Counting(Model):
    """Notes how many rows each of its calls had."""

    def __init__(self, times: int) -> None:
        super().__init__(times)
        self.calls: list[int] = []

    def predict(self, rows: list[tuple[float, ...]]) -> list[float]:
        self.calls.append(len(rows))
        return super().predict(rows)


def split(share: float, challenger: Model, champion: Model | None = None) -> Scorer:
    return Scorer(PLAN, champion or Model(), companions=Companions(challenger, share))


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
def test_a_share_of_the_keys_is_challenged(share: float) -> None:
    count = sum(is_challenged(key, share) for key in KEYS)
    assert abs(count / len(KEYS) - share) < 0.015


def test_a_key_is_judged_the_same_for_ever() -> None:
    assert "".join(str(int(is_challenged(key, 0.5))) for key in KEYS[:24]) == "111111110010101010011000"


def test_a_larger_share_has_the_keys_of_a_smaller_one() -> None:
    assert all(is_challenged(key, 0.3) for key in KEYS if is_challenged(key, 0.1))


def test_a_record_without_a_key_is_known_by_its_position() -> None:
    with_challenger = challenged(0.5, None, "in[3]", range(100))
    assert 20 < sum(with_challenger) < 80
    assert challenged(0.5, [None] * 50, "in[3]", range(50, 100)) == with_challenger[50:]
    assert challenged(0.5, None, "in[4]", range(100)) != with_challenger


def test_each_model_is_called_once_for_its_own_records_of_all_lanes() -> None:
    champion, challenger = Counting(1), Counting(10)
    scorer = split(0.5, challenger, champion)
    with_challenger = scorer.challenged(None, "in[0]", range(20))
    assert with_challenger is not None
    scored_batches = scorer.score(
        [Batch(scorer.new_lane(), STEPS, with_challenger), Batch(scorer.new_lane(), STEPS, with_challenger)]
    )
    want = [step.value * (10 if mine else 1) for step, mine in zip(STEPS, with_challenger, strict=True)]
    assert [scored.predictions for scored in scored_batches] == [want, want]
    assert (champion.calls, challenger.calls) == ([40 - 2 * sum(with_challenger)], [2 * sum(with_challenger)])


def test_record_refused_by_the_challenger_is_a_dead_letter() -> None:
    scorer = split(1.0, Model(refuses=True))
    (scored,) = scorer.score([Batch(scorer.new_lane(), STEPS[:3], [True, False, True])])
    assert (scored.causes, scored.predictions) == ([1], [21.0])
    assert [index for index, _ in scored.dead] == [0, 2]


def test_keys_are_not_read_without_a_challenger() -> None:
    assert Scorer(PLAN, Model()).challenged(None, "in[0]", range(3)) is None


def test_a_shadow_scores_what_the_champion_scores_and_changes_nothing() -> None:
    scorer = Scorer(PLAN, Model(), companions=Companions(shadow=Model(10)))
    steps = [Step(1.0), Step(13.0), Step(2.0)]
    (scored,) = scorer.score([Batch(scorer.new_lane(), steps)])
    assert (scored.causes, scored.predictions) == ([0, 2], [1.0, 2.0])
    assert scored.shadow is not None
    assert scored.shadow[::2] == [(0, 10.0), (2, 20.0)]
    cause, refused = scored.shadow[1]
    assert cause == 1
    assert isinstance(refused, PredictError)


def test_a_shadow_that_refuses_all_leaves_the_outputs_as_they_are() -> None:
    scorer = Scorer(PLAN, Model(), companions=Companions(shadow=Model(refuses=True)))
    scored_batches = scorer.score([Batch(scorer.new_lane(), STEPS[:2]), Batch(scorer.new_lane(), STEPS[2:4])])
    assert [scored.predictions for scored in scored_batches] == [[20.0, 21.0], [22.0, 23.0]]
    assert [[cause for cause, _ in scored.shadow or []] for scored in scored_batches] == [[0, 1], [0, 1]]
