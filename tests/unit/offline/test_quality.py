"""Metrics by what the model does, beside baselines."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from makiserve.artifact.mlflow_predictor import ModelTask
from makiserve.errors import ConfigurationError
from makiserve.offline.metrics.observed import Observed
from makiserve.offline.metrics.quality import MAX_GROUPS, measure
from tests.loops import loop_over

NAN = float("nan")
REGRESSION = ModelTask("regression")


def observed(predictions: Any, labels: Any, last: Any = None, **by: list[Any]) -> Observed:
    count = len(labels)
    return Observed(
        lane=np.array(["a"] * count),
        position=np.arange(count),
        time=np.full(count, None),
        prediction=np.array(predictions),
        label=np.array(labels),
        last=np.full(count, None) if last is None else np.array(last),
        by={name: np.array(values, object) for name, values in by.items()},
    )


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("unit", [1.0, 1e150, 1e300, 2e307])
def test_metrics_of_huge_values_are_those_of_small_ones_times_their_unit(unit: float) -> None:
    predictions, labels, last = np.array([[1.0, 2.0, 3.5], [1.0, 2.5, 3.0], [NAN, 1.0, 2.5]])
    small = measure(observed(predictions, labels, last), REGRESSION)
    huge = measure(observed(predictions * unit, labels * unit, last * unit), REGRESSION)
    for name in ("rmse", "mae", "median_ae", "max_error"):
        assert huge[name] == pytest.approx(small[name] * unit)
        for baseline in ("mean", "last value"):
            assert huge.baselines[baseline][name] == pytest.approx(small.baselines[baseline][name] * unit)
    assert huge["r2"] == pytest.approx(small["r2"])


@pytest.mark.filterwarnings("error")
def test_error_beyond_the_range_of_a_float_is_infinite() -> None:
    metrics = measure(observed([1.7e308, 0.0], [-1.7e308, 1.0]), REGRESSION)
    assert metrics["max_error"] == math.inf


def test_errors_of_a_regression_are_in_the_unit_of_the_label() -> None:
    metrics = measure(observed([1.0, 2.0, 3.0, 9.0], [1.0, 4.0, 3.0, NAN], [NAN, 1.0, 4.0, 3.0]), REGRESSION)
    assert (metrics.kind, metrics.rows) == ("regression", 3)
    assert metrics["rmse"] == pytest.approx(math.sqrt(4 / 3))
    assert metrics["mae"] == pytest.approx(2 / 3)
    assert (metrics["median_ae"], metrics["max_error"]) == (0, 2)
    assert metrics["bias"] == pytest.approx(-2 / 3)
    assert metrics["r2"] == pytest.approx(1 - 4 / (14 / 3))
    assert metrics.baselines["mean"]["rmse"] == pytest.approx(np.std([1.0, 4.0, 3.0]))
    assert metrics.baselines["mean"]["r2"] == pytest.approx(0)
    assert metrics.baselines["last value"]["mae"] == 2  # of the two rows that have one


def test_a_prediction_that_is_not_a_number_makes_no_figure() -> None:
    metrics = measure(observed([1.0, NAN], [1.0, 2.0]), REGRESSION)
    assert metrics.rows == 2
    assert all(math.isnan(value) for value in metrics.figures.values())


def test_r2_is_not_defined_where_the_label_does_not_vary() -> None:
    assert math.isnan(measure(observed([1.0, 2.0], [5.0, 5.0]), REGRESSION)["r2"])


def test_groups_are_measured_apart_the_largest_first() -> None:
    metrics = measure(observed([1.0, 2.0, 3.0], [1.0, 0.0, 0.0], town=["b", "a", "a"]), REGRESSION)
    assert [(group.by, group.value, group.rows) for group in metrics.groups] == [("town", "a", 2), ("town", "b", 1)]
    assert metrics.groups[0].figures["mae"] == 2.5
    assert metrics.groups[1].figures["mae"] == 0


def test_small_groups_beyond_the_fiftieth_are_measured_together() -> None:
    count = MAX_GROUPS + 30
    metrics = measure(observed([1.0] * count, [2.0] * count, key=list(range(count))), REGRESSION)
    assert len(metrics.groups) == MAX_GROUPS + 1
    assert (metrics.groups[-1].value, metrics.groups[-1].rows) == (None, 30)


def test_classes_are_counted() -> None:
    labels = ["no", "no", "yes", "yes"]
    metrics = measure(observed(["no", "yes", "yes", "yes"], labels), ModelTask("classification", ("no", "yes")))
    assert metrics.kind == "classification"
    assert metrics["accuracy"] == 0.75
    assert metrics["recall"] == 1  # of yes, the second class
    assert metrics["precision"] == pytest.approx(2 / 3)
    assert "auc" not in metrics.figures
    assert metrics.baselines["most frequent"]["accuracy"] == 0.5


def test_probabilities_have_log_loss_and_auc() -> None:
    rows = [[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.2, 0.8]]
    metrics = measure(observed(rows, [False, False, True, True]), ModelTask("classification", (False, True)))
    assert metrics["accuracy"] == 0.75
    assert metrics["auc"] == 0.75
    assert metrics["log_loss"] == pytest.approx(-np.mean(np.log([0.9, 0.6, 0.3, 0.8])))
    assert metrics.baselines["most frequent"]["log_loss"] == pytest.approx(math.log(2))
    assert metrics.baselines["most frequent"]["auc"] == 0.5


def test_probabilities_may_have_the_names_of_their_classes() -> None:
    rows = [{"False": 0.9, "True": 0.1}, {"False": 0.2, "True": 0.8}]
    metrics = measure(observed(rows, [False, True]), ModelTask("classification", (False, True)))
    assert (metrics["accuracy"], metrics["auc"]) == (1, 1)


def test_scores_that_are_no_probabilities_tell_the_class_alone() -> None:
    metrics = measure(observed([[-0.1, -2.0], [-3.0, -0.2]], ["a", "b"]), ModelTask("classification", ("a", "b")))
    assert metrics["accuracy"] == 1
    assert "log_loss" not in metrics.figures


def test_of_three_classes_the_figures_are_means() -> None:
    rows = [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8], [0.9, 0.05, 0.05]]
    metrics = measure(observed(rows, ["a", "b", "c", "c"]), ModelTask("classification", ("a", "b", "c")))
    assert metrics["accuracy"] == 0.75
    assert metrics["auc"] == pytest.approx((2 / 3 + 1 + 1 / 2) / 3)


def test_a_group_without_all_classes_has_no_auc() -> None:
    rows = [[0.9, 0.1], [0.2, 0.8]]
    metrics = measure(observed(rows, [0, 1], town=["a", "b"]), ModelTask("classification", (0, 1)))
    assert math.isnan(metrics.groups[0].figures["auc"])


@loop_over(
    ("predictions", "labels", "kind"),
    [
        ([0.2, 0.9], [0, 1], "classification"),  # a booster's
        ([0.2, 0.9], [0.3, 0.8], "regression"),
        ([0.0, 1.0], [0.0, 1.0], "regression"),
        (["a", "b"], ["a", "a"], "classification"),
        ([True, False], [True, False], "classification"),
        ([[0.2, 0.8], [0.9, 0.1]], [0, 1], "classification"),
        ([{"output_0": 0.2, "output_1": 0.8}, {"output_0": 0.9, "output_1": 0.1}], [0, 1], "classification"),
    ],
)
def test_task_of_an_undeclared_model_is_inferred(predictions: Any, labels: Any, kind: str) -> None:
    assert measure(observed(predictions, labels), ModelTask()).kind == kind


def test_labels_of_other_classes_are_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="the data have labels such as '1', but the model predicts 0, 1"):
        measure(observed([0, 1], ["1", "1"]), ModelTask("classification", (0, 1)))


def test_predictions_that_are_no_numbers_are_no_regression() -> None:
    with pytest.raises(ConfigurationError, match=r"predictions must be single numbers .* but one is \{'low': 1\}"):
        measure(observed([{"low": 1}], [1.0]), REGRESSION)


def test_missing_labels_are_reported() -> None:
    with pytest.raises(ConfigurationError, match="none of the 2 predictions has a label"):
        measure(observed([1.0, 2.0], [NAN, NAN]), REGRESSION)
