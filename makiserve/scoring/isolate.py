"""Poison isolation: one bad row does not take its batch with it."""

from __future__ import annotations

from typing import Any

from makiserve.errors import PredictError
from makiserve.scoring.predictor import Predictor

Row = tuple[Any, ...]


def predict_each(predictor: Predictor, rows: list[Row]) -> list[Any]:
    """One prediction for each row, or the `PredictError` that stands in its place.

    A batch on which the model raises is halved until the rows that it refuses stand alone.
    """
    predictions: list[Any] = [None] * len(rows)
    accepted: list[int] = []
    for index, row in enumerate(rows):
        try:
            predictor.check(row)
        except PredictError as error:
            predictions[index] = error
        else:
            accepted.append(index)
    _fill(predictor, rows, accepted, predictions)
    return predictions


def _fill(predictor: Predictor, rows: list[Row], indexes: list[int], predictions: list[Any]) -> None:
    if not indexes:
        return
    try:
        found = predictor.predict([rows[index] for index in indexes])
    except Exception as error:  # noqa: BLE001  whatever a model raises on a row belongs to the row
        if len(indexes) == 1:
            predictions[indexes[0]] = _refusal(error)
            return
        half = len(indexes) // 2
        _fill(predictor, rows, indexes[:half], predictions)
        _fill(predictor, rows, indexes[half:], predictions)
    else:
        for index, prediction in zip(indexes, found, strict=True):
            predictions[index] = prediction


def _refusal(error: Exception) -> PredictError:
    if isinstance(error, PredictError):
        return error
    refusal = PredictError(f"the model raised {type(error).__name__}: {error}")
    refusal.__cause__ = error
    return refusal
