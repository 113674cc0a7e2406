"""The post pipeline: computes the published items from features and predictions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec

from makiserve.errors import OperatorError
from makiserve.scoring.scored import Posted
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.stage import State
from makiserve.stream.ops.map import FlatMap


class Prediction(msgspec.Struct, frozen=True):
    """The input item of a post pipeline: the features, and the model's prediction for them.

    Attributes:
        features: the whole item that the feature pipeline emitted, including fields that the model does not take.
        prediction: a number or text; for a model with several outputs, a dict by their names.
    """

    features: Any
    prediction: Any


class PostProcessor:
    """A compiled post pipeline. Decision 0030 describes what remains of a record that fails in it.

    Args:
        plan: the post pipeline.
        features: the feature pipeline. If one record may cause several of its outputs, they enter the post pipeline as
            one item: either all of them pass, or none leaves a trace.
        is_tracked: as for `Scorer`.
    """

    def __init__(self, plan: Plan, features: Plan, *, is_tracked: bool = False) -> None:
        self._is_grouped = features.fans_out
        whole = Plan((FlatMap(), *plan.operators)) if self._is_grouped else plan
        self.program = Program(whole, is_tracked=is_tracked)

    def feed(
        self, causes: list[int], features: Sequence[Any], predictions: list[Any], state: State
    ) -> tuple[Posted, list[tuple[int, OperatorError]]]:
        """Run the predictions of a batch through the pipeline.

        Returns:
            The emitted items, and index and error of each record on which a function raised.
        """
        items: list[Any] = list(map(Prediction, features, predictions))
        if self._is_grouped:
            groups = groupby(zip(causes, items, strict=True), itemgetter(0))
            grouped = [(cause, [item for _, item in group]) for cause, group in groups]
            causes, items = [cause for cause, _ in grouped], [group for _, group in grouped]
        fed = self.program.feed(items, state)
        posted = Posted([causes[index] for index in fed.causes], fed.outputs)
        return posted, [(causes[index], error) for index, error in fed.failures]
