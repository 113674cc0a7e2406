"""A report of predictions that are constant, missing, infinite, or of one class."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from makiserve.artifact.mlflow_predictor import ModelTask
from makiserve.offline.metrics.observed import Observed
from makiserve.offline.metrics.quality import evidence, measure
from makiserve.offline.report import Measured, Report
from makiserve.offline.report.binned import moments
from tests.loops import loop_over

COUNT = 50
LABELS = list(map(float, range(COUNT)))
REGRESSION, CLASSIFICATION = ModelTask("regression"), ModelTask("classification", (False, True))


@loop_over(
    ("task", "predictions", "labels"),
    [
        (REGRESSION, [1.0] * COUNT, [1.0] * COUNT),
        (REGRESSION, [math.inf, *LABELS[1:]], LABELS),
        (REGRESSION, [math.nan, *LABELS[1:]], LABELS),
        (REGRESSION, [math.nan] * COUNT, LABELS),
        (REGRESSION, [1.0], [2.0]),
        (CLASSIFICATION, [[0.1, 0.9]] * COUNT, [True] * COUNT),
        (CLASSIFICATION, [True] * COUNT, [True] * COUNT),
    ],
    ids=["constant", "infinite", "nan", "nothing but nan", "one", "one class", "one class, no probabilities"],
)
def test_values_that_cannot_be_drawn_are_left_out(task: ModelTask, predictions: list[Any], labels: list[Any]) -> None:
    count = len(labels)
    seen = Observed(
        lane=np.full(count, "house.csv", object),
        position=np.arange(count),
        time=np.arange(count),
        prediction=np.array(predictions),
        label=np.array(labels),
        last=np.full(count, None, object),
        by={"town": np.array(["Oslo", "Lima" * 50] * count, object)[:count]},
    )
    measured = Measured(measure(seen, task), evidence(seen, task), moments(seen, seen.labelled, "time"), "power" * 30)
    page = Report("house", "", {}, count, count, measured=measured).html()
    assert not re.search(r'[ "ML](nan|-?inf)[ "L]', page)
