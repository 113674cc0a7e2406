"""One call of a model for many features."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from makiserve.scoring.isolate import predict_each
from makiserve.scoring.predictor import Predictor


class Call:
    """Features in, for each a prediction out or the `PredictError` in its place.

    Args:
        predictor: the model.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._inputs = _selection(predictor.inputs)

    def __call__(self, features: Sequence[Any]) -> list[Any]:
        return predict_each(self._predictor, [self._inputs(each) for each in features])


def call_both(champion: Call, challenger: Call, features: Sequence[Any], is_challenged: Sequence[bool]) -> list[Any]:
    """The same with two models, each called once for those that are its own."""
    predictions: list[Any] = [None] * len(features)
    for call, own in ((champion, False), (challenger, True)):
        indexes = [index for index, other in enumerate(is_challenged) if other is own]
        for index, prediction in zip(indexes, call([features[index] for index in indexes]), strict=True):
            predictions[index] = prediction
    return predictions


def _selection(inputs: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    get = attrgetter(*inputs)
    return get if len(inputs) > 1 else lambda features: (get(features),)
