"""A pipeline that remembers, and a model that needs no MLflow."""

from __future__ import annotations

from typing import Any, NamedTuple

import rx

import makiserve
import makiserve.stream as rs
from makiserve.artifact.mlflow_predictor import ModelTask
from makiserve.errors import PredictError


class Reading(makiserve.Record):
    time: int
    house: str
    power: float = makiserve.field(name="power [kW]")


class Features(NamedTuple):
    time: int
    power: float
    mean: float


def pipeline() -> makiserve.Transform:
    """Each reading with the mean of the last three; negative power is an error."""
    return rx.pipe(
        rs.ops.map(positive),
        rs.data.roll(3, stride=1, pipeline=rs.ops.tee_map(rs.ops.last(), rs.math.mean(lambda i: i.power, reduce=True))),
        rs.ops.map(lambda i: Features(i[0].time, i[0].power, i[1])),
    )


def positive(reading: Reading) -> Reading:
    if reading.power < 0:
        raise ValueError("power is negative")
    return reading


class Double:
    """Predicts twice the mean; it refuses a power of 13."""

    inputs = ("power", "mean")
    task = ModelTask("regression")

    def check(self, row: tuple[Any, ...]) -> None:
        if row[0] == 13:
            raise PredictError("13 is refused")

    def predict(self, rows: list[tuple[Any, ...]]) -> list[Any]:
        return [2 * mean for _, mean in rows]
