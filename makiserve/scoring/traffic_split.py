"""Split the records between two models by the hash of the key, with one call to each model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from hashlib import blake2b
from itertools import groupby
from operator import attrgetter
from typing import Any

from makiserve.errors import PredictError
from makiserve.records.emitted_fields import field_titles
from makiserve.scoring.isolate import predict_each
from makiserve.scoring.predictor import ColumnPredictor, Predictor
from makiserve.scoring.record_columns import input_rows
from makiserve.stream.columns.items import taken

DIGEST_BYTES = 8


def is_challenged(key: bytes, share: float) -> bool:
    """Return whether the challenger scores a key.

    The hash is not Kafka's, so that each partition has the same share. A larger share contains all keys of a smaller
    one.
    """
    place = int.from_bytes(blake2b(key, digest_size=DIGEST_BYTES).digest(), "big")
    return place < int(share * 2 ** (8 * DIGEST_BYTES))


def challenged(share: float, keys: Sequence[bytes | None] | None, place: str, offsets: Sequence[int]) -> list[bool]:
    """Return for each record whether the challenger scores it.

    Args:
        share: the challenger's share of the keys, from 0 to 1.
        keys: the keys of the records. A record without a key is assigned by its position.
        place: the source of the records, `topic[partition]` or the name of a file.
        offsets: the offsets of the records in `place`.
    """
    keys = keys or [None] * len(offsets)
    pairs = zip(keys, offsets, strict=True)
    return [is_challenged(f"{place}@{offset}".encode() if key is None else key, share) for key, offset in pairs]


class Call:
    """A call of a model: takes features and returns for each a prediction, or a `PredictError` instead.

    Args:
        predictor: the model.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    def __call__(self, features: Sequence[Any]) -> list[Any]:
        if isinstance(self._predictor, ColumnPredictor):
            columns = input_rows(features, self._predictor.inputs)
            if columns is not None:
                return predict_each(self._predictor, columns)
        rows: list[Any] = []
        for kind, items in groupby(features, type):
            select = row_of(kind, self._predictor.inputs)
            rows += map(select, items)
        return predict_each(self._predictor, rows)


def call_both(champion: Call, challenger: Call, features: Sequence[Any], is_challenged: Sequence[bool]) -> list[Any]:
    """Return a prediction or `PredictError` for each item, with one call to each model for its own items."""
    predictions: list[Any] = [None] * len(features)
    for call, is_challenger in ((champion, False), (challenger, True)):
        indexes = [index for index, other in enumerate(is_challenged) if other is is_challenger]
        for index, prediction in zip(indexes, call(taken(features, indexes)), strict=True):
            predictions[index] = prediction
    return predictions


@cache
def row_of(kind: type[Any], inputs: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...] | PredictError]:
    """Return the function from features of a type to the row of a model's inputs.

    Args:
        kind: the type of the features.
        inputs: the names of the inputs, either from `makiserve.field(name=…)` or the attributes.

    Returns:
        The function. For features that lack an input, it returns a `PredictError`.
    """
    attributes = {title: name for name, title in field_titles(kind).items()}
    get = attrgetter(*(attributes.get(name, name) for name in inputs))

    def select(features: Any) -> tuple[Any, ...] | PredictError:
        try:
            return get(features) if len(inputs) > 1 else (get(features),)
        except AttributeError as error:
            return PredictError(f"the pipeline emitted features without an input of the model: {error}")

    return get if len(inputs) > 1 and attributes.keys() >= set(inputs) else select
