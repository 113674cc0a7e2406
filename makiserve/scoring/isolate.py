"""Poison isolation: one bad row does not fail its whole batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from makiserve.errors import PredictError, message_of
from makiserve.scoring.predictor import ColumnPredictor, Predictor
from makiserve.stream.columns.items import ColumnItems, taken

Row = tuple[Any, ...]


def predict_each(predictor: Predictor, rows: Sequence[Row | PredictError]) -> list[Any]:
    """Return one prediction for each row, or a `PredictError` instead.

    If the model raises on a batch, the batch is halved until each row that the model refuses is isolated.

    Args:
        predictor: the model.
        rows: rows of the model's inputs, or the error of a row that could not be built.
    """
    refused = _refused(predictor, rows)
    predictions = [refused.get(index) for index in range(len(rows))] if refused else [None] * len(rows)
    accepted = [index for index in range(len(rows)) if index not in refused] if refused else range(len(rows))
    _fill(predictor, rows, accepted, predictions)
    return predictions


def _refused(predictor: Predictor, rows: Sequence[Row | PredictError]) -> dict[int, PredictError]:
    """Return the rows that must not be given to the model, with the error of each."""
    if isinstance(rows, ColumnItems) and isinstance(predictor, ColumnPredictor):
        return predictor.refused(rows)
    refused: dict[int, PredictError] = {}
    for index, row in enumerate(rows):
        if isinstance(row, PredictError):
            refused[index] = row
            continue
        try:
            predictor.check(row)
        except PredictError as error:
            refused[index] = error
    return refused


def _fill(predictor: Predictor, rows: Sequence[Any], indexes: Sequence[int], predictions: list[Any]) -> None:
    if not indexes:
        return
    try:
        given: Any = rows if len(indexes) == len(rows) else taken(rows, indexes)
        predicted = predictor.predict(given)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  any exception that a model raises on a row is that row's error
        if len(indexes) == 1:
            predictions[indexes[0]] = _refusal(error)
            return
        half = len(indexes) // 2
        _fill(predictor, rows, indexes[:half], predictions)
        _fill(predictor, rows, indexes[half:], predictions)
    else:
        for index, prediction in zip(indexes, predicted, strict=True):
            predictions[index] = prediction


def _refusal(error: BaseException) -> PredictError:
    if isinstance(error, PredictError):
        return error
    refusal = PredictError(f"the model raised {type(error).__name__}: {message_of(error)}")
    refusal.__cause__ = error
    return refusal
