"""Models as they are trained: category columns, names that are not identifiers, scikit-learn pipelines."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from makiserve.artifact import check_reference, load
from makiserve.artifact.categories import category_column
from makiserve.artifact.native import native_options
from makiserve.errors import ConfigurationError
from makiserve.offline import features_frame
from makiserve.scoring import Batch

Log = Callable[..., Any]
Project = Callable[[dict[str, str], str], ModuleType]

WEATHER = """
from typing import NamedTuple
import makiserve
import makiserve.stream as rs

class Reading(makiserve.Record):
    pressure: float
    wind: str
    floor: int

class Features(NamedTuple):
    floor: int
    wind: str
    pressure: float = makiserve.field(name="air pressure (hPa)")

def features():
    return rs.ops.map(lambda i: Features(i.floor, i.wind, i.pressure))
"""
NAME = "air pressure (hPa)"
RNG = np.random.default_rng(2)
PLAIN = pd.DataFrame(
    {"floor": RNG.integers(0, 4, 200), "wind": RNG.choice(list("NESW"), 200), NAME: RNG.normal(size=200)}
)
CATEGORIES = PLAIN.assign(floor=PLAIN["floor"].astype("category"), wind=PLAIN["wind"].astype("category"))
LABEL = PLAIN[NAME] + PLAIN["floor"] * 2 + PLAIN["wind"].map({"N": 0, "E": 5, "S": 1, "W": 9})


@pytest.fixture
def weather(project: Project) -> ModuleType:
    return project({"house/__init__.py": "", "house/weather.py": WEATHER}, "house.weather")


def lightgbm(**options: Any) -> Any:
    return pytest.importorskip("lightgbm").LGBMRegressor(n_estimators=5, min_child_samples=5, verbose=-1, **options)


def lightgbm_booster() -> Any:
    return lightgbm().fit(CATEGORIES, LABEL).booster_


def xgboost() -> Any:
    return pytest.importorskip("xgboost").XGBRegressor(n_estimators=5, enable_categorical=True).fit(CATEGORIES, LABEL)


def hist_gradient_boosting() -> Any:
    return HistGradientBoostingRegressor(max_iter=5).fit(CATEGORIES, LABEL)


def served(log: Log, weather: ModuleType, model: Any, frame: pd.DataFrame, **options: Any) -> list[Any]:
    """The predictions for the rows of a frame, in random batches."""
    records = [weather.Reading(pressure, wind, floor) for floor, wind, pressure in frame.itertuples(index=False)]
    reference = [weather.Reading(row[2], row[1], row[0]) for row in PLAIN.itertuples(index=False, name=None)]
    info = log(weather, model=model, record=weather.Reading, reference=reference, **options)
    packaged = load(info.model_uri)
    check_reference(packaged)
    scorer = packaged.scorer()
    lane = scorer.new_lane()
    predictions: list[Any] = []
    while records:
        size = int(RNG.integers(1, 9))
        (scored,) = scorer.score([Batch(lane, records[:size])])
        outcomes = dict(zip(scored.causes, scored.predictions, strict=True)) | dict(scored.dead)
        predictions += [outcomes[index] for index in range(len(outcomes))]
        records = records[size:]
    return predictions


@pytest.mark.parametrize(
    "make", [lambda: lightgbm().fit(CATEGORIES, LABEL), lightgbm_booster, xgboost, hist_gradient_boosting]
)
def test_category_columns_predict_as_on_the_training_frame(
    log: Log, weather: ModuleType, make: Callable[[], Any]
) -> None:
    model = make()

    predicted = served(log, weather, model, PLAIN)

    assert predicted == model.predict(CATEGORIES).tolist()


@pytest.mark.parametrize("make", [lambda: lightgbm().fit(CATEGORIES, LABEL), hist_gradient_boosting])
def test_an_unknown_category_is_what_the_library_makes_of_it(
    log: Log, weather: ModuleType, make: Callable[[], Any]
) -> None:
    model = make()
    strange = PLAIN.head(20).assign(wind=["calm", "N"] * 10)

    predicted = served(log, weather, model, strange)

    frame = strange.assign(
        floor=pd.Categorical(strange["floor"], [0, 1, 2, 3]), wind=pd.Categorical(strange["wind"], [*"ENSW", "calm"])
    )
    assert predicted == model.predict(frame).tolist()


def test_an_unknown_category_that_the_library_refuses_is_a_dead_letter(log: Log, weather: ModuleType) -> None:
    model = xgboost()
    strange = PLAIN.head(20).assign(wind=["calm", "N"] * 10)

    predicted = served(log, weather, model, strange)

    assert (
        predicted[1::2]
        == model.predict(CATEGORIES.head(20).assign(wind=pd.Categorical(["N"] * 20, list("ENSW"))))[1::2].tolist()
    )
    assert all("Found a category not in the training set" in str(error) for error in predicted[::2])


def test_category_columns_are_taken_from_the_training_frame(log: Log, weather: ModuleType) -> None:
    """One column is categorical by pandas, the other one by an argument: the model does not show which is which."""
    frame = CATEGORIES.assign(floor=PLAIN["floor"])
    model = lightgbm().fit(frame, LABEL, categorical_feature=["floor", "wind"])

    with pytest.raises(ConfigurationError, match=r"training=the frame"):
        served(log, weather, model, PLAIN)

    assert served(log, weather, model, PLAIN, training=frame) == model.predict(frame).tolist()


def test_value_outside_the_categories_is_added_after_them() -> None:
    column = category_column(["b", "x", None, "a"], ["a", "b"])

    assert column.categories.tolist() == ["a", "b", "x"]
    assert column.codes.tolist() == [1, 2, -1, 0]


def test_features_have_the_names_that_the_class_gives_them(log: Log, weather: ModuleType) -> None:
    frame = features_frame([weather.Reading(1.0, "N", 2)], features=weather.features, record=weather.Reading)
    model = Ridge().fit(PLAIN[[NAME, "floor"]], LABEL)

    predicted = served(log, weather, model, PLAIN)

    assert list(frame) == ["floor", "wind", NAME]
    assert predicted == pytest.approx(model.predict(PLAIN[[NAME, "floor"]]), rel=1e-12)


def test_input_that_no_feature_matches_is_an_error_with_a_remedy(log: Log, weather: ModuleType) -> None:
    frame = PLAIN[["floor"]].rename(columns={"floor": "floor no."})

    with pytest.raises(ConfigurationError, match=r"makiserve\.field\(name='floor no\.'\) in the class"):
        served(log, weather, Ridge().fit(frame, LABEL), PLAIN)


def test_a_pipeline_of_scikit_learn_needs_no_trusted_types(log: Log, weather: ModuleType) -> None:
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    columns = make_column_transformer((numbers, ["floor", NAME]), (OneHotEncoder(handle_unknown="ignore"), ["wind"]))
    model = make_pipeline(columns, Ridge()).fit(PLAIN, LABEL)

    predicted = served(log, weather, model, PLAIN)

    assert predicted == pytest.approx(model.predict(PLAIN), rel=1e-12)


@pytest.mark.slow
def test_types_of_other_libraries_are_asked_for_by_name() -> None:
    model = make_pipeline(lightgbm().fit(PLAIN[[NAME]], LABEL))

    with pytest.raises(ConfigurationError, match=r"the model contains .*lightgbm") as caught:
        native_options(model, {})

    trusted = str(caught.value).partition("skops_trusted_types=")[2].strip("[])").replace("'", "").split(", ")
    assert "lightgbm.sklearn.LGBMRegressor" in str(caught.value)
    assert native_options(model, {"skops_trusted_types": trusted})["skops_trusted_types"] == trusted
