"""Each flavor gives what MLflow's own `predict` gives for the same rows, in batches of any size."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression

from makiserve.artifact import PackagedModel, check_reference, load
from makiserve.artifact.reference.reference import score_reference
from makiserve.errors import ConfigurationError, ModelRefused
from tests.unit.artifact.example import readings

Log = Callable[..., Any]

NAMES = ["temperature", "wind"]
RNG = np.random.default_rng(3)
FRAME = pd.DataFrame(RNG.normal(10, 5, size=(80, 2)), columns=NAMES)
LABEL = FRAME["temperature"] * 2 - FRAME["wind"]
CLASS = np.where(LABEL.mean() < LABEL, "warm", "cold")
NUMBER = (LABEL.mean() < LABEL).astype(int)


def sklearn_model() -> Any:
    return HistGradientBoostingRegressor(max_iter=5).fit(FRAME, LABEL)


def xgboost_regressor() -> Any:
    return pytest.importorskip("xgboost").XGBRegressor(n_estimators=5).fit(FRAME, LABEL)


def xgboost_matrix() -> Any:
    return pytest.importorskip("xgboost").XGBRegressor(n_estimators=5).fit(FRAME.to_numpy(), LABEL)


def xgboost_classifier() -> Any:
    return pytest.importorskip("xgboost").XGBClassifier(n_estimators=5).fit(FRAME, NUMBER)


def xgboost_booster() -> Any:
    xgboost = pytest.importorskip("xgboost")
    return xgboost.train({"max_depth": 3}, xgboost.DMatrix(FRAME, LABEL), num_boost_round=5)


def lightgbm_regressor() -> Any:
    return pytest.importorskip("lightgbm").LGBMRegressor(n_estimators=5, verbose=-1).fit(FRAME, LABEL)


def lightgbm_booster() -> Any:
    lightgbm = pytest.importorskip("lightgbm")
    return lightgbm.train({"verbose": -1}, lightgbm.Dataset(FRAME, LABEL), num_boost_round=5)


def onnx_of(estimator: Any, **options: Any) -> Any:
    skl2onnx = pytest.importorskip("skl2onnx")
    kind = skl2onnx.common.data_types.FloatTensorType
    return skl2onnx.convert_sklearn(estimator, initial_types=[("rows", kind([None, 2]))], target_opset=15, **options)


def onnx_regressor() -> Any:
    return onnx_of(LinearRegression().fit(FRAME.to_numpy(), LABEL))


def onnx_classifier() -> Any:
    return onnx_of(LogisticRegression().fit(FRAME.to_numpy(), CLASS))


def torch_network() -> Any:
    torch = pytest.importorskip("torch", reason="PyPI's torch for Linux brings gigabytes of CUDA: not installed")
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))


class Mean(mlflow.pyfunc.PythonModel):
    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> Any:
        return model_input.mean(axis=1) * (params or {}).get("factor", 1.0)


FLAVORS: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "sklearn": (sklearn_model, {}),
    "xgboost": (xgboost_regressor, {}),
    "xgboost, a matrix": (xgboost_matrix, {}),
    "xgboost, classes": (xgboost_classifier, {}),
    "xgboost, a booster": (xgboost_booster, {}),
    "lightgbm": (lightgbm_regressor, {}),
    "lightgbm, a booster": (lightgbm_booster, {}),
    "onnx": (onnx_regressor, {}),
    "onnx, classes": (onnx_classifier, {}),
    "pytorch": (torch_network, {"inputs": NAMES}),
    "python": (Mean, {}),
}


def predicted(model: PackagedModel, rows: Sequence[tuple[Any, ...]], size: int) -> list[Any]:
    predictions = []
    for start in range(0, len(rows), size):
        predictions += model.predictor.predict(rows[start : start + size])
    return predictions


def plain_predictions(uri: str, frame: pd.DataFrame) -> list[Any]:
    """Return the predictions of the model that MLflow alone loads."""
    output = mlflow.pyfunc.load_model(uri, suppress_warnings=True).predict(frame)
    if isinstance(output, pd.DataFrame):
        rows = output.to_dict("records")
        return [next(iter(row.values())) if len(row) == 1 else row for row in rows]
    return np.asarray(output).tolist()


@pytest.mark.parametrize("flavor", FLAVORS)
def test_a_flavor_predicts_as_mlflow_does(log: Log, house: ModuleType, flavor: str) -> None:
    make, options = FLAVORS[flavor]
    info = log(house, model=make(), pip_requirements=["scikit-learn"], **options)

    model = load(info.model_uri)

    rows = list(FRAME.itertuples(index=False, name=None))
    expected = plain_predictions(info.model_uri, FRAME)
    for row in rows:
        model.predictor.check(row)
    assert model.predictor.inputs == tuple(NAMES)
    assert predicted(model, rows, 80) == expected
    assert predicted(model, rows[:7], 1) == approximately(expected[:7])
    check_reference(model)


def approximately(values: list[Any]) -> list[Any]:
    """BLAS may give other last bits in another batch."""
    return [
        {name: approximately([inner])[0] for name, inner in value.items()}
        if isinstance(value, dict)
        else value
        if isinstance(value, str)
        else pytest.approx(value, rel=1e-5)
        for value in values
    ]


def test_onnx_names_label_and_probabilities_by_class(log: Log, house: ModuleType) -> None:
    model = load(log(house, model=onnx_classifier()).model_uri)

    (prediction,) = model.predictor.predict([(30.0, 0.0)])

    assert prediction["output_label"] == "warm"
    assert set(prediction["output_probability"]) == {"cold", "warm"}


def test_a_classifier_gives_its_classes(log: Log, house: ModuleType) -> None:
    model = load(log(house, model=LogisticRegression().fit(FRAME, CLASS)).model_uri)

    assert model.predictor.predict([(30.0, 0.0), (-30.0, 0.0)]) == ["warm", "cold"]


def test_the_probabilities_of_a_classifier_are_named_by_class(log: Log, house: ModuleType) -> None:
    model = LogisticRegression().fit(FRAME, CLASS)
    packaged = load(log(house, model=model, pyfunc_predict_fn="predict_proba").model_uri)

    predictions = packaged.predictor.predict(list(FRAME.itertuples(index=False, name=None)))

    assert [list(probabilities.values()) for probabilities in predictions] == model.predict_proba(FRAME).tolist()
    assert set(map(tuple, predictions)) == {("cold", "warm")}
    check_reference(packaged)


def test_several_outputs_without_names_are_numbered(log: Log, house: ModuleType) -> None:
    both = LinearRegression().fit(FRAME, np.column_stack([LABEL, -LABEL]))
    info = log(house, model=both)

    model = load(info.model_uri)

    expected = both.predict(FRAME)
    predictions = model.predictor.predict(list(FRAME.itertuples(index=False, name=None)))
    assert predictions == [{"output_0": up, "output_1": down} for up, down in expected.tolist()]


def signature_with(params: ParamSchema) -> ModelSignature:
    return ModelSignature(inputs=Schema([ColSpec(DataType.double, name) for name in NAMES]), params=params)


def test_params_have_the_defaults_of_the_signature_or_what_was_logged(log: Log, house: ModuleType) -> None:
    signature = signature_with(ParamSchema([ParamSpec("factor", DataType.double, 3.0)]))
    default = load(log(house, model=Mean(), signature=signature).model_uri)
    changed = load(log(house, model=Mean(), signature=signature, params={"factor": 10.0}).model_uri)

    assert default.predictor.predict([(1.0, 3.0)]) == [6.0]
    assert changed.predictor.predict([(1.0, 3.0)]) == [20.0]
    check_reference(changed)


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"power": 1.0}, "has no parameter power"),
        ({"factor": "high"}, "model's parameters: .*factor"),
    ],
)
def test_params_that_the_signature_does_not_have_are_refused(
    log: Log, house: ModuleType, params: dict[str, Any], reason: str
) -> None:
    signature = signature_with(ParamSchema([ParamSpec("factor", DataType.double, 3.0)]))

    with pytest.raises(ConfigurationError, match=reason):
        log(house, model=Mean(), signature=signature, params=params)


HINTED = """
import pydantic
import mlflow
from mlflow.models import set_model

class Row(pydantic.BaseModel):
    wind: float
    temperature: float | None = None

class Hinted(mlflow.pyfunc.PythonModel):
    def predict(self, model_input: list[Row]) -> list[float]:
        return [row.wind * 2 for row in model_input]

set_model(Hinted())
"""


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(logging.getLogger("mlflow"), "disabled", True)
    path = tmp_path / "hinted_model.py"
    path.write_text(HINTED)
    return path


def test_a_model_from_code_with_type_hints_is_given_objects(log: Log, house: ModuleType, script: Path) -> None:
    model = load(log(house, model=script).model_uri)
    records = readings(house)[:3]

    scored = score_reference(model.scorer(), records)

    assert model.predictor.inputs == ("temperature", "wind")
    assert scored.predictions == [2 * record.wind for record in records]
    model.predictor.check((None, 1.0))
    check_reference(model)


def test_model_that_cannot_be_saved_is_refused(log: Log, house: ModuleType) -> None:
    with pytest.raises(ConfigurationError, match=r"of type builtins\.object cannot be logged"):
        log(house, model=object())


def test_a_record_is_judged_alone(log: Log, house: ModuleType) -> None:
    """MLflow refuses a batch of whole numbers for a column of doubles, and takes the same numbers in other company."""
    info = log(house, model=sklearn_model())
    model = load(info.model_uri)

    with pytest.raises(mlflow.MlflowException):
        mlflow.pyfunc.load_model(info.model_uri, suppress_warnings=True).predict(pd.DataFrame([[1, 2]], columns=NAMES))

    model.predictor.check((1, 2))
    assert model.predictor.predict([(1, 2)]) == model.predictor.predict([(1, 2), (1.5, 2.5)])[:1]


def test_a_damaged_flavor_is_refused_with_its_reason(log: Log, house: ModuleType, tmp_path: Path) -> None:
    info = log(house, model=sklearn_model())
    directory = Path(mlflow.artifacts.download_artifacts(info.model_uri, dst_path=str(tmp_path / "copy")))
    for file in directory.glob("model.*"):
        file.write_bytes(b"damaged")

    with pytest.raises(ModelRefused, match="the model cannot be loaded here"):
        load(directory)
