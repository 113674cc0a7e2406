"""Answers of a model have one layout, whatever the batch: real models, logged, loaded, scored and replayed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet
from scipy import sparse
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier

from makiserve.artifact import PackagedModel, check_reference, load
from makiserve.artifact.layout import Layout, Names, layouts, learn
from makiserve.artifact.mlflow_predictor import MlflowPredictor
from makiserve.errors import ConfigurationError, PredictError
from makiserve.offline import replay
from makiserve.scoring import Batch
from makiserve.scoring.isolate import predict_each
from tests.loops import loop_over
from tests.unit.artifact.example import readings

Log = Callable[..., Any]

COUNT = 40
RNG = np.random.default_rng(5)


def features_of(house: ModuleType) -> pd.DataFrame:
    """The features of the readings, computed without makiserve."""
    records = readings(house, COUNT)
    rows = {"temperature": [(r.fahrenheit - 32) / 1.8 for r in records], "wind": [r.wind for r in records]}
    return pd.DataFrame(rows)


def cuts(records: list[Any]) -> Iterator[list[Any]]:
    """The records in batches of random sizes, batches of one and of two among them."""
    start = 0
    for size in [1, 2, *RNG.integers(1, 9, size=COUNT).tolist()]:
        if start < len(records):
            yield records[start : start + size]
        start += size


def scored_in_cuts(model: PackagedModel, records: list[Any]) -> list[Any]:
    scorer = model.scorer()
    lane = scorer.new_lane()
    return [prediction for cut in cuts(records) for prediction in scorer.score([Batch(lane, cut)])[0].predictions]


def served(log: Log, house: ModuleType, model: Any, **options: Any) -> list[Any]:
    """The predictions for the readings; the same in random batches, in a replay, and for one record alone."""
    return predictions_of(load(log(house, model=model, **options).model_uri), house)


def predictions_of(packaged: PackagedModel, house: ModuleType) -> list[Any]:
    records = readings(house, COUNT)
    check_reference(packaged)
    predictions = scored_in_cuts(packaged, records)
    replayed = replay(packaged, records)
    column = replayed.frame["prediction"].astype(object)
    assert not replayed.dead
    assert column.where(column.notna(), None).tolist() == predictions
    assert scored_in_cuts(packaged, records[-1:]) == predictions[-1:]
    return predictions


CLASSES = np.array([["cold", "calm"], ["warm", "windy"]])


def two_targets(frame: pd.DataFrame) -> Any:
    """A class of text for each of two targets."""
    high = (frame > frame.median()).to_numpy().astype(int)
    return np.column_stack([CLASSES[high[:, 0], 0], CLASSES[high[:, 1], 1]])


def test_classes_of_two_targets_are_numbered(log: Log, house: ModuleType) -> None:
    frame = features_of(house)
    forest = RandomForestClassifier(5, random_state=0).fit(frame, two_targets(frame))

    predictions = served(log, house, forest)

    assert [list(prediction.values()) for prediction in predictions] == forest.predict(frame).tolist()
    assert set(map(tuple, predictions)) == {("output_0", "output_1")}


@pytest.mark.parametrize(
    "estimator", [RandomForestClassifier(5, random_state=0), MultiOutputClassifier(LogisticRegression())]
)
def test_probabilities_of_two_targets_are_named_by_target_and_class(
    log: Log, house: ModuleType, estimator: Any
) -> None:
    frame = features_of(house)
    estimator.fit(frame, two_targets(frame))

    predictions = served(log, house, estimator, pyfunc_predict_fn="predict_proba")

    first, second = estimator.predict_proba(frame)
    assert predictions[0].keys() == {"output_0", "output_1"}
    assert [list(prediction["output_0"].values()) for prediction in predictions] == pytest.approx(first, rel=1e-12)
    assert [list(prediction["output_1"].values()) for prediction in predictions] == pytest.approx(second, rel=1e-12)
    assert (*predictions[0]["output_0"], *predictions[0]["output_1"]) == ("cold", "warm", "calm", "windy")


@pytest.mark.parametrize("function", ["predict", "predict_proba"])
def test_a_chain_of_classifiers_has_a_number_for_each_target(log: Log, house: ModuleType, function: str) -> None:
    frame = features_of(house)
    chain = ClassifierChain(LogisticRegression()).fit(frame, (frame > frame.median()).to_numpy().astype(int))

    predictions = served(log, house, chain, pyfunc_predict_fn=function)

    expected = getattr(chain, function)(frame)
    assert [[prediction["output_0"], prediction["output_1"]] for prediction in predictions] == pytest.approx(
        expected, rel=1e-12
    )


def structured(frame: pd.DataFrame) -> Any:
    pairs = [(temperature, 1) for temperature in frame["temperature"]]
    return np.array(pairs, [("temperature", "f8"), ("count", "i4")])


def test_a_model_that_returns_structured_rows_can_be_loaded_again(log: Log, house: ModuleType) -> None:
    predictions = served(log, house, Returns(structured))
    assert predictions == [[temperature, 1] for temperature in features_of(house)["temperature"]]


def test_metrics_of_several_targets_are_refused(log: Log, house: ModuleType) -> None:
    frame = features_of(house)
    forest = RandomForestClassifier(5, random_state=0).fit(frame, (frame > frame.median()).to_numpy().astype(int))
    packaged = load(log(house, model=forest).model_uri)

    with pytest.raises(ConfigurationError, match="the model predicts 2 targets, but a label is a single field"):
        replay(packaged, readings(house), label="minute")


class Returns(mlflow.pyfunc.PythonModel):
    """Returns what a function makes of the frame."""

    def __init__(self, function: Callable[[pd.DataFrame], Any]) -> None:
        self.function = function

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> Any:
        return self.function(model_input)


def day(frame: pd.DataFrame) -> pd.Series:
    return pd.Series(pd.Timestamp("2024-01-01") + pd.to_timedelta(frame["wind"], unit="D"), name="day")


def with_gaps(values: pd.Series) -> pd.Series:
    return values.mask(values > 3)


def some(wind: float, value: Any) -> Any:
    return None if wind > 3 else value


OUTPUTS: dict[str, tuple[Callable[[pd.DataFrame], Any], Callable[[float, float], Any]]] = {
    "one array per target": (
        lambda f: [np.column_stack([f["temperature"], f["wind"]]), np.column_stack([f["wind"], f["wind"]])],
        lambda t, w: [[t, w], [w, w]],
    ),
    "a tuple of mean and deviation": (
        lambda f: (f["temperature"].to_numpy(), f["wind"].to_numpy()),
        lambda t, w: [t, w],
    ),
    "a list with an array per row": (lambda f: list(f.to_numpy()), lambda t, w: [t, w]),
    "a square array": (
        lambda f: f[["wind"] * 3].to_numpy() * [1, 2, 3],
        lambda t, w: {"output_0": w, "output_1": 2 * w, "output_2": 3 * w},
    ),
    "a frame with times as index": (
        lambda f: pd.DataFrame({"a": f["wind"].tolist(), "b": f["temperature"].tolist()}, index=day(f)),
        lambda t, w: {"a": w, "b": t},
    ),
    "a dict of arrays": (
        lambda f: {"wind": f["wind"].to_numpy(), "both": f[["wind", "temperature"]].to_numpy()},
        lambda t, w: {"wind": w, "both": [w, t]},
    ),
    "a sparse matrix": (
        lambda f: sparse.csr_matrix(f[["wind", "temperature"]].to_numpy()),
        lambda t, w: {"output_0": w, "output_1": t},
    ),
    "nullable integers": (lambda f: with_gaps(f["wind"].astype("Int64")), lambda t, w: some(w, int(w))),
    "Arrow-backed numbers": (
        lambda f: with_gaps(f["wind"].astype("double[pyarrow]")),
        lambda t, w: some(w, w),
    ),
    "nullable text": (
        lambda f: with_gaps(f["wind"]).astype("Int64").astype("string"),
        lambda t, w: some(w, str(int(w))),
    ),
    "text of objects with NaN": (
        lambda f: np.array([np.nan if w > 3 else "calm" for w in f["wind"]], object),
        lambda t, w: some(w, "calm"),
    ),
    "times": (lambda f: day(f).mask(f["wind"] > 3), lambda t, w: some(w, f"2024-01-0{int(w) + 1}T00:00:00")),
    "times of numpy in days": (
        lambda f: day(f).to_numpy().astype("datetime64[D]"),
        lambda t, w: f"2024-01-0{int(w) + 1}",
    ),
    "times of numpy in nanoseconds": (
        lambda f: day(f).to_numpy().astype("datetime64[ns]"),
        lambda t, w: f"2024-01-0{int(w) + 1}T00:00:00",
    ),
    "durations": (
        lambda f: pd.to_timedelta(f["wind"], unit="D").mask(f["wind"] > 3),
        lambda t, w: some(w, f"P{int(w)}DT0H0M0S"),
    ),
}
"""By name: a model, and what it predicts for a temperature and a wind."""


@pytest.mark.parametrize("name", OUTPUTS)
def test_an_output_is_read_alike_in_every_batch_and_format(
    log: Log, house: ModuleType, tmp_path: Path, name: str
) -> None:
    function, expected = OUTPUTS[name]
    frame = features_of(house)

    model = load(log(house, model=Returns(function), inputs=["temperature", "wind"]).model_uri)

    predictions = predictions_of(model, house)

    assert predictions == [expected(*row) for row in frame.itertuples(index=False, name=None)]
    for ending in ("jsonl", "csv", "parquet"):
        replay(model, readings(house, COUNT), output=tmp_path / f"out.{ending}")
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert [json.loads(line)["prediction"] for line in lines] == predictions
    assert parquet.read_table(tmp_path / "out.parquet")["prediction"].to_pylist() == predictions
    cells = pd.read_csv(tmp_path / "out.csv", dtype=str, keep_default_na=False)["prediction"]
    assert cells.tolist() == [_cell(value) for value in predictions]


def _cell(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, separators=(",", ":"))
    return "" if value is None else str(value)


UNREADABLE: dict[str, tuple[Callable[[pd.DataFrame], Any], str]] = {
    "a scalar for one row": (lambda f: np.squeeze(f[["wind"]].to_numpy()), r"an array of shape \(\) for 1 row"),
    "targets by rows": (lambda f: f.to_numpy().T, r"an array of shape \(2, 1\) for 1 row"),
    "the first two rows": (lambda f: f["wind"].head(2), "a Series of 2 elements for 3 rows"),
    "a matrix of the batch's size": (lambda f: np.eye(len(f)), r"an array of shape \(2, 2\) for 2 rows, but an array"),
    "rows in another order": (
        lambda f: f["wind"].iloc[::-1],
        r"a Series whose rows were sorted \(by its index\) for 2 rows",
    ),
    "two columns of one name": (lambda f: f[["wind", "wind"]], "a DataFrame of shape"),
    "complex numbers": (lambda f: f["wind"].to_numpy() * 1j, "cannot represent: a value of type complex"),
    "periods": (lambda f: day(f).dt.to_period("D"), "cannot represent: a value of type Period"),
    "a generator": (lambda f: iter(f["wind"]), "a list_iterator|a map|iterator for 1 row"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_output_that_is_not_one_prediction_per_row_is_refused(log: Log, house: ModuleType, name: str) -> None:
    function, reason = UNREADABLE[name]

    with pytest.raises(ConfigurationError, match=reason):
        log(house, model=Returns(function), inputs=["temperature", "wind"])


def predictor_of(function: Callable[[pd.DataFrame], Any], tmp_path: Path) -> MlflowPredictor:
    path = str(tmp_path / "model")
    mlflow.pyfunc.save_model(path, python_model=Returns(function), pip_requirements=["mlflow"])
    return MlflowPredictor(mlflow.pyfunc.load_model(path, suppress_warnings=True), ("a", "b"))


def refuses_negative(frame: pd.DataFrame) -> Any:
    if (frame["a"] < 0).any():
        raise ValueError("negative")
    return [np.column_stack([frame["a"], frame["b"]]), np.column_stack([frame["b"], frame["a"]])]


@loop_over("seed", range(20))
def test_halving_a_batch_does_not_change_how_an_answer_is_read(tmp_path: Path, seed: int) -> None:
    """Two targets: halving makes batches of two rows, for which the list has one array per row, too."""
    rng = np.random.default_rng(seed)
    rows = [(float(a), float(b)) for a, b in rng.integers(-1, 9, size=(int(rng.integers(1, 12)), 2))]
    predictor = MlflowPredictor.__new__(MlflowPredictor)
    predictor._table, predictor.inputs, predictor._names, predictor.layout = None, ("a", "b"), Names(), None
    predictor._call = refuses_negative

    predictions = predict_each(predictor, rows)

    for (a, b), prediction in zip(rows, predictions, strict=True):
        assert isinstance(prediction, PredictError) if a < 0 else prediction == [[a, b], [b, a]]


@pytest.mark.slow
def test_a_model_that_drops_a_row_loses_that_record_alone(tmp_path: Path) -> None:
    predictor = predictor_of(lambda frame: frame["a"][frame["a"] > 0].to_numpy(), tmp_path)

    predictions = predict_each(predictor, [(1.0, 0.0), (-2.0, 0.0), (3.0, 0.0)])

    assert (predictions[0], predictions[2]) == (1.0, 3.0)
    assert "an array of shape (0,) for 1 row" in str(predictions[1])


def test_an_answer_of_another_shape_is_an_error_with_both_shapes() -> None:
    layout = learn(lambda size: np.zeros((size, 2)), 5, Names())

    assert layout == Layout("matrix", ("output_0", "output_1"), (2,))
    for output in (np.zeros((4, 3)), np.zeros(4), [np.zeros(2)] * 4, pd.DataFrame(np.zeros((4, 2)))):
        with pytest.raises(
            PredictError, match=r"for 4 rows, but for its first records .* an array of shape \(rows, 2\)"
        ):
            layout.read(output, 4, Names())


@pytest.mark.parametrize("rows", [1, 2, 3, 10])
def test_a_layout_is_the_same_whatever_the_number_of_rows_it_is_learned_from(rows: int) -> None:
    per_target = learn(lambda size: [np.zeros(size), np.zeros(size)], rows, Names())
    per_row = learn(lambda size: [np.zeros(2)] * size, rows, Names())

    assert per_target == Layout("targets", parts=(Layout("values"), Layout("values")))
    assert per_row == Layout("values")
    assert len(layouts([np.zeros(2), np.zeros(2)], 2, Names())) == 2  # this answer alone does not show it
