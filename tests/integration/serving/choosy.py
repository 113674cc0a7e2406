"""A model that accepts its reference records and rejects others, and a stateful post pipeline."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd
import rx

import makiserve
import makiserve.stream as rs

LAST = 100


class Smooth(NamedTuple):
    prediction: float
    smooth: float


def choose(rows: pd.DataFrame) -> pd.DataFrame:
    """Reject odd numbers above those of the reference records."""
    if ((rows["number"] > LAST) & (rows["number"] % 2 == 1)).any():
        raise ValueError(f"number: no odd one above {LAST}")
    return rows


def smoothed() -> makiserve.Transform:
    return rx.pipe(
        rs.ops.map(lambda item: item.prediction),
        rs.ops.tee_map(
            rs.ops.map(lambda prediction: prediction),
            rs.ops.scan(lambda smooth, prediction: 0.5 * smooth + 0.5 * prediction, 0.0),
        ),
        rs.ops.map(lambda pair: Smooth(*pair)),
    )
