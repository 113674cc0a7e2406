"""The predictor gives what MLflow's own predict gives, and judges each row by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ColSpec, DataType, Schema, TensorSpec
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from makiserve.artifact.layout import Names, layouts
from makiserve.artifact.mlflow_predictor import MlflowPredictor
from makiserve.artifact.model_input import table_from_schema
from makiserve.artifact.native import native_options
from makiserve.errors import ModelRefused, PredictError
from tests.loops import loop_over

RNG = np.random.default_rng(7)
NUMBERS = pd.DataFrame(RNG.normal(1000, 20, size=(40, 3)), columns=["pressure", "temperature", "wind"])
LABEL = NUMBERS["pressure"] / 10 - NUMBERS["temperature"]
MIXED = NUMBERS.assign(
    icon=[["sun", "rain", "snow"][i % 3] for i in range(40)], floor=range(40), heated=[i % 2 == 0 for i in range(40)]
)

Saved = Callable[..., tuple[Any, MlflowPredictor]]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """A model as MLflow loads it, and as we do."""

    def save(model: Any, signature: ModelSignature | None, inputs: list[str], **options: Any) -> Any:
        options |= {"signature": signature, "pip_requirements": ["scikit-learn"]}
        path = str(tmp_path_factory.mktemp("saved") / "model")
        mlflow.sklearn.save_model(model, path, **native_options(model, options))
        pyfunc = mlflow.pyfunc.load_model(path, suppress_warnings=True)
        return pyfunc, MlflowPredictor(pyfunc, tuple(inputs))

    return save


def read(output: Any, rows: int) -> list[Any]:
    (layout,) = layouts(output, rows, Names())
    return layout.read(output, rows, Names())


def schema(frame: pd.DataFrame, optional: tuple[str, ...] = ()) -> ModelSignature:
    kinds = {"f": DataType.double, "i": DataType.long, "b": DataType.boolean, "O": DataType.string}
    columns = [ColSpec(kinds[dtype.kind], name, required=name not in optional) for name, dtype in frame.dtypes.items()]
    return ModelSignature(inputs=Schema(columns))


def rows_of(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    return list(zip(*(frame[name].tolist() for name in frame), strict=True))


def encoded(estimator: Any) -> Any:
    encoder = OneHotEncoder(handle_unknown="ignore")
    return make_pipeline(make_column_transformer((encoder, ["icon"]), remainder="passthrough"), estimator)


@pytest.mark.parametrize(
    "estimator",
    [Ridge(), HistGradientBoostingRegressor(max_iter=5), RandomForestRegressor(5, random_state=1)],
    ids=lambda estimator: type(estimator).__name__,
)
def test_predictions_are_those_of_mlflow(saved: Saved, estimator: Any) -> None:
    pyfunc, predictor = saved(estimator.fit(NUMBERS, LABEL), schema(NUMBERS), list(NUMBERS))

    assert predictor.predict(rows_of(NUMBERS)) == pyfunc.predict(NUMBERS).tolist()


def test_predictions_from_columns_of_different_types_are_those_of_mlflow(saved: Saved) -> None:
    pyfunc, predictor = saved(encoded(Ridge()).fit(MIXED, LABEL), schema(MIXED), list(MIXED))

    assert predictor.predict(rows_of(MIXED)) == pyfunc.predict(MIXED).tolist()


def test_missing_values_reach_the_model_as_with_mlflow(saved: Saved) -> None:
    frame = MIXED[["wind", "icon"]].copy()
    frame.loc[3, "wind"] = None
    frame.loc[5, "icon"] = None
    model = encoded(HistGradientBoostingRegressor(max_iter=5)).fit(frame, LABEL)
    pyfunc, predictor = saved(model, schema(frame, optional=("wind", "icon")), list(frame))
    rows = [(None if i == 3 else wind, None if i == 5 else icon) for i, (wind, icon) in enumerate(rows_of(frame))]

    for row in rows:
        predictor.check(row)

    assert predictor.predict(rows) == pyfunc.predict(frame).tolist()


def test_probabilities_have_the_names_of_their_classes(saved: Saved) -> None:
    model = LogisticRegression().fit(NUMBERS, np.where(LABEL.mean() < LABEL, "high", "low"))
    pyfunc, predictor = saved(model, schema(NUMBERS), list(NUMBERS), pyfunc_predict_fn="predict_proba")

    predictions = predictor.predict(rows_of(NUMBERS))

    assert [list(probabilities.values()) for probabilities in predictions] == pyfunc.predict(NUMBERS).tolist()
    assert set(map(tuple, predictions)) == {("high", "low")}


def test_a_row_gets_the_same_prediction_alone_as_in_a_batch(saved: Saved) -> None:
    model = encoded(HistGradientBoostingRegressor(max_iter=5)).fit(MIXED, LABEL)
    _, predictor = saved(model, schema(MIXED, optional=("icon", "wind")), list(MIXED))
    rows = [*rows_of(MIXED)[:5], (1013.0, 20, None, None, 3, True)]

    assert [predictor.predict([row])[0] for row in rows] == predictor.predict(rows)


def test_whole_numbers_are_accepted_for_a_double_whatever_their_neighbours(saved: Saved) -> None:
    pyfunc, predictor = saved(Ridge().fit(NUMBERS, LABEL), schema(NUMBERS), list(NUMBERS))
    whole, mixed = (1013, 20, 3), (1014.5, 20.0, 3.0)

    with pytest.raises(mlflow.MlflowException):  # the reason why its own check is not used
        pyfunc.predict(pd.DataFrame([whole, whole], columns=list(NUMBERS)))

    predictor.check(whole)
    assert predictor.predict([whole, mixed])[0] == pytest.approx(predictor.predict([whole])[0], rel=1e-12)


@loop_over(
    ("column", "value", "reason"),
    [
        ("pressure", None, "feature 'pressure' is missing"),
        ("pressure", "1013", "feature 'pressure': the model's signature asks for double, got str"),
        ("pressure", True, "asks for double, got bool"),
        ("icon", 3, "feature 'icon': the model's signature asks for string, got int"),
        ("icon", None, "feature 'icon' is missing"),
        ("floor", 2.0, "feature 'floor': the model's signature asks for long, got float"),
        ("heated", 1, "feature 'heated': the model's signature asks for boolean, got int"),
    ],
)
def test_a_value_that_the_signature_does_not_admit_is_refused_by_its_column(
    column: str, value: Any, reason: str
) -> None:
    table = table_from_schema(schema(MIXED).inputs, tuple(MIXED.columns))
    row = dict(zip(MIXED, rows_of(MIXED)[0], strict=True))

    table.columns.check(tuple(row.values()))

    with pytest.raises(PredictError, match=reason):
        table.columns.check(tuple((row | {column: value}).values()))


def test_numbers_of_numpy_are_numbers() -> None:
    table = table_from_schema(schema(MIXED).inputs, tuple(MIXED.columns))

    row = (np.float64(1.0), np.float32(2.0), np.int64(3), "sun", np.int32(2), np.bool_(1))
    table.columns.check(row)

    assert table.build([row]).to_dict("records")[0]["floor"] == 2


def test_a_column_with_missing_values_keeps_one_type_for_all_batches() -> None:
    kinds = {"floor": DataType.long, "at": DataType.datetime, "icon": DataType.string, "heated": DataType.boolean}
    asked = Schema([ColSpec(kind, name, required=False) for name, kind in kinds.items()])
    table = table_from_schema(asked, tuple(kinds))
    full, empty = (3, datetime(2016, 1, 1), "sun", True), (None, None, None, None)  # noqa: DTZ001  has no zone there

    frames = [table.build(rows) for rows in ([full], [empty], [full, empty])]

    assert len({tuple(map(str, frame.dtypes)) for frame in frames}) == 1
    assert frames[2].iloc[0].tolist() == [3.0, pd.Timestamp(2016, 1, 1), "sun", True]
    assert frames[2].iloc[1].isna().all()


def test_the_inputs_come_in_the_order_of_the_signature(saved: Saved) -> None:
    pyfunc, predictor = saved(Ridge().fit(NUMBERS, LABEL), schema(NUMBERS), ["wind", "pressure", "temperature"])

    assert predictor.inputs == ("pressure", "temperature", "wind")
    assert predictor.predict(rows_of(NUMBERS)) == pyfunc.predict(NUMBERS).tolist()


def test_a_model_fitted_on_a_matrix_is_given_a_matrix(saved: Saved) -> None:
    _, predictor = saved(Ridge().fit(NUMBERS.to_numpy(), LABEL), schema(NUMBERS), list(NUMBERS))

    assert predictor.predict(rows_of(NUMBERS)[:1])  # scikit-learn warns of names, and a warning is an error here


def test_a_signature_of_a_matrix_gives_the_model_a_matrix(saved: Saved) -> None:
    matrix = NUMBERS.to_numpy(np.float32)
    model = Ridge().fit(matrix, LABEL)
    pyfunc, predictor = saved(model, infer_signature(matrix), list(NUMBERS))

    predictor.check((1013, 20.5, 3.0))

    assert predictor.predict(rows_of(NUMBERS)) == pyfunc.predict(matrix).tolist()


def test_several_outputs_have_the_names_of_the_signature(saved: Saved) -> None:
    both = np.column_stack([LABEL, -LABEL])
    signature = schema(NUMBERS)
    signature.outputs = Schema([ColSpec(DataType.double, "up"), ColSpec(DataType.double, "down")])
    pyfunc, predictor = saved(Ridge().fit(NUMBERS, both), signature, list(NUMBERS))

    predictions = predictor.predict(rows_of(NUMBERS))

    assert [[prediction["up"], prediction["down"]] for prediction in predictions] == pyfunc.predict(NUMBERS).tolist()


def test_a_signature_of_named_tensors_gives_the_model_a_dict() -> None:
    single = table_from_schema(Schema([TensorSpec(np.dtype("float32"), (-1, 3), "rows")]), tuple(NUMBERS.columns))
    tensor_specs = [
        TensorSpec(np.dtype("float32"), (-1, 1), "wind"),
        TensorSpec(np.dtype("int64"), (-1,), "pressure"),
        TensorSpec(np.dtype("str"), (-1,), "temperature"),
    ]
    several = table_from_schema(Schema(tensor_specs), tuple(NUMBERS.columns))

    (matrix,) = single.build([(1, 2.5, 3), (4, 5, 6)]).values()
    tensors = several.build([(2.5, 7, "warm")])

    assert (matrix.dtype, matrix.tolist()) == (np.float32, [[1, 2.5, 3], [4, 5, 6]])
    assert {name: (value.shape, value.tolist()) for name, value in tensors.items()} == {
        "wind": ((1, 1), [[2.5]]),
        "pressure": ((1,), [7]),
        "temperature": ((1,), ["warm"]),
    }
    with pytest.raises(PredictError, match="'pressure': the model's signature asks for long, got float"):
        several.columns.check((2.5, 7.0, "warm"))


def test_a_model_without_a_signature_is_given_a_frame_by_names(saved: Saved) -> None:
    pyfunc, predictor = saved(Ridge().fit(NUMBERS, LABEL), None, list(NUMBERS))

    predictor.check(("anything",))

    assert predictor.predict(rows_of(NUMBERS)) == pyfunc.predict(NUMBERS).tolist()


@pytest.mark.parametrize(
    "asked",
    [
        infer_signature(np.zeros((4, 2))).inputs,
        infer_signature(np.zeros((4, 3, 3))).inputs,
        infer_signature({"image": np.zeros((4, 3)), "mask": np.zeros((4, 3))}).inputs,
        infer_signature(pd.DataFrame({"pressure": [[1.0]], "temperature": [1.0], "wind": [1.0]})).inputs,
        schema(NUMBERS.rename(columns={"wind": "gust"})).inputs,
    ],
    ids=["matrix of another width", "image", "named tensors", "list", "another name"],
)
def test_a_signature_that_a_table_of_values_cannot_meet_is_refused(asked: Schema) -> None:
    with pytest.raises(ModelRefused, match="a service passes a table of plain values"):
        table_from_schema(asked, tuple(NUMBERS.columns))


@loop_over(
    ("output", "expected"),
    [
        (np.array([1.5, 2.0]), [1.5, 2.0]),
        (np.array(["a", "b"]), ["a", "b"]),
        (np.array([[1, 2], [3, 4]]), [{"output_0": 1, "output_1": 2}, {"output_0": 3, "output_1": 4}]),
        (np.array([[1.5], [2.0]]), [1.5, 2.0]),
        (pd.DataFrame([[1.0, 2], [3.0, 4]]), [{"output_0": 1.0, "output_1": 2}, {"output_0": 3.0, "output_1": 4}]),
        (pd.DataFrame({"variable": [1.0, 2.0]}), [1.0, 2.0]),
        ({"variable": np.array([[1.0], [2.0]])}, [1.0, 2.0]),
        ({"embedding": np.array([[1, 2], [3, 4]])}, [[1, 2], [3, 4]]),
        ([{0: np.float32(0.5), 1: 0.5}, {0: 1.0, 1: 0.0}], [{"0": 0.5, "1": 0.5}, {"0": 1.0, "1": 0.0}]),
        (pd.Series([1, 2]), [1, 2]),
        (pd.DataFrame({"mean": [1.0, 2.0], "n": [3, 4]}), [{"mean": 1.0, "n": 3}, {"mean": 2.0, "n": 4}]),
        ({"mean": np.array([1.0, 2.0]), "n": [3, 4]}, [{"mean": 1.0, "n": 3}, {"mean": 2.0, "n": 4}]),
        ([np.float32(1.0), "text"], [1.0, "text"]),
    ],
    ids=[
        "array",
        "labels",
        "matrix",
        "matrix of one column",
        "frame without names",
        "frame of one column",
        "dict of one column",
        "dict of vectors",
        "list of dicts",
        "series",
        "frame",
        "dict",
        "list",
    ],
)
def test_each_form_of_output_is_one_json_value_for_each_row(output: Any, expected: list[Any]) -> None:
    values = read(output, 2)

    assert values == expected
    assert {type(value) for value in values} <= {float, int, str, list, dict}


@pytest.mark.parametrize("output", [np.array([1.0]), np.array([1.0, 2.0, 3.0]), np.float64(1.0), None, [1.0]])
def test_another_number_of_predictions_than_rows_is_an_error(output: Any) -> None:
    assert layouts(output, 2, Names()) == []
