"""The records of the reference, the inputs of the model, and the types of its signature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import rx
from mlflow.models import infer_signature
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge

import makiserve
import makiserve.stream as rs
from makiserve.artifact import check_reference, load
from makiserve.artifact.model_input import choose_inputs
from makiserve.artifact.native import native_options
from makiserve.artifact.reference.reference import ReferenceOutput, plain, take_sample
from makiserve.artifact.reference.reproduction import _close, _differences
from makiserve.artifact.signature import emitted_fields, input_schema
from makiserve.errors import ConfigurationError
from makiserve.records import Schema
from makiserve.records.in_memory import BLOCK_RECORDS
from makiserve.stream.engine.trace import trace
from tests.loops import loop_over
from tests.unit.artifact.example import FEATURES, HOUSE, readings

Log = Callable[..., Any]
Project = Callable[[dict[str, str], str], ModuleType]


class Reading(makiserve.Record):
    minute: int
    wind: float | None = None


class Features(NamedTuple):
    wind: float
    count: int  # type: ignore[assignment]  # as tuple.count


SCHEMA = Schema(Reading)


def sample(pipeline: Any, source: Any) -> Any:
    return take_sample(trace(pipeline), SCHEMA, source)


def every(n: int) -> Any:
    return rs.ops.filter(lambda reading: reading.minute % n == n - 1)


@pytest.mark.slow
def test_the_reference_ends_with_the_record_that_causes_the_32nd_output() -> None:
    reference = sample(rx.pipe(every(10)), (Reading(i, 1.0) for i in range(100_000)))

    assert len(reference.features) == 32
    assert reference.records[-1] == Reading(319, 1.0)
    assert len(reference.records) == 320


def test_the_records_of_a_reference_are_one_lane() -> None:
    """The features of a lane are in the reference if its records come from this lane only, as in a partition."""

    class Numbered(NamedTuple):
        number: int

    def pipeline() -> makiserve.Transform:
        return rx.pipe(rs.ops.scan(lambda count, _: count + 1, 0), rs.ops.map(Numbered))

    mixed = [Reading(minute, float(minute % 2)) for minute in range(10)]
    frame = makiserve.features_frame(mixed, features=pipeline, record=Reading, lane_by="wind")
    lane = frame[frame.index.get_level_values("offset") % 2 == 1]["number"].tolist()
    assert lane == [1, 2, 3, 4, 5]
    assert [item.number for item in sample(pipeline(), mixed).features] == list(range(1, 11))
    assert [
        item.number for item in sample(pipeline(), [reading for reading in mixed if reading.wind == 1]).features
    ] == lane


def test_a_short_source_is_taken_up_to_its_last_output() -> None:
    reference = sample(rx.pipe(every(10)), [Reading(i) for i in range(55)])

    assert (len(reference.records), len(reference.features)) == (50, 5)


@pytest.mark.slow
def test_no_more_than_a_hundred_thousand_records_are_read() -> None:
    read = []

    def source() -> Any:
        for i in range(150_000):
            read.append(i)
            yield Reading(i)

    reference = sample(rx.pipe(every(1000)), source())

    assert 100_000 <= len(read) < 100_000 + BLOCK_RECORDS  # records in memory are taken in blocks
    assert (len(reference.records), len(reference.features), len(reference.profiled)) == (10_000, 10, 100)


def test_a_reference_that_emits_nothing_is_refused_with_the_first_error() -> None:
    with pytest.raises(ConfigurationError, match="emits nothing for the 40 reference records"):
        sample(rx.pipe(every(100)), [Reading(i) for i in range(40)])
    with pytest.raises(ConfigurationError, match=r"40 were refused, the first: .*ZeroDivisionError"):
        sample(rx.pipe(rs.ops.map(lambda i: i.minute / 0)), [Reading(i) for i in range(40)])


def test_rows_of_a_file_that_do_not_fit_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "readings.csv"
    path.write_text("minute,wind\n0,1.5\nnoon,2.5\n2,\n")

    assert sample(rx.pipe(every(1)), path).records == (Reading(0, 1.5), Reading(2, None))


def test_a_reference_that_is_not_of_the_record_type_is_refused(house: ModuleType) -> None:
    with pytest.raises(
        ConfigurationError,
        match=r"a row is of type house\.features\.Reading, but must be .*test_packaging_reference\.Reading",
    ):
        sample(rx.pipe(every(1)), readings(house))
    with pytest.raises(ConfigurationError, match="cannot be read back from JSON"):
        take_sample(trace(rx.pipe(every(1))), Schema(house.Reading), [house.Reading(1, float("nan"), 0.0)])


def test_values_that_json_does_not_have_are_kept_apart() -> None:
    values = [float("nan"), float("inf"), np.float64(1.5), np.array([1.0, np.nan]), None, True, (1, "a")]

    assert plain(values) == ["nan", "inf", 1.5, [1.0, "nan"], None, True, [1, "a"]]


@loop_over(
    ("a", "b", "equal"),
    [
        (1.0, 1.0 + 1e-7, True),
        (1.0, 1.0 + 1e-5, False),
        (1e-12, 3e-12, True),
        (1e-8, 3e-8, False),
        (1, True, False),
        (None, "nan", False),
        ([1.0, {"a": 2}], [1.0, {"a": 2.0}], True),
        ([1.0, 2.0], [1.0], False),
        ({"a": 1}, {"b": 1}, False),
    ],
)
def test_predictions_agree_within_the_tolerance_and_nothing_else_does(a: Any, b: Any, equal: bool) -> None:
    assert _close(1e-6, 1e-9)(a, b) is equal


def test_a_prediction_near_zero_is_measured_by_the_largest() -> None:
    def differs(*pairs: tuple[float, float]) -> bool:
        return bool(
            _differences(*(tuple(ReferenceOutput(0, {}, value) for value in side) for side in zip(*pairs, strict=True)))
        )

    assert not differs((1000.0, 1000.0), (1e-9, 3e-9))
    assert differs((1e-9, 3e-9))


def test_a_pipeline_that_emits_missing_values_gets_an_optional_input(log: Log, project: Project) -> None:
    changed = FEATURES.replace("wind: float\n", "wind: float | None\n").replace("i.wind)", "i.wind or None)")
    house = project(HOUSE | {"house/features.py": changed}, "house.features")
    forest = RandomForestRegressor(3, random_state=0).fit([[0.0, 1.0], [1.0, np.nan]], [0.0, 1.0])

    info = log(house, model=forest)
    model = load(info.model_uri)

    assert [spec.required for spec in info.signature.inputs] == [True, False]
    assert model.reference.outputs[0].features["wind"] is None
    check_reference(model)


def test_a_model_that_cannot_predict_its_reference_is_not_logged(log: Log, project: Project) -> None:
    changed = FEATURES.replace("i.wind)", "i.wind or None)")
    house = project(HOUSE | {"house/features.py": changed}, "house.features")

    with pytest.raises(ConfigurationError, match="cannot predict the features of its reference records: ValueError"):
        log(house)


def test_an_integer_is_one_only_where_it_is_declared() -> None:
    class Undeclared(NamedTuple):
        wind: Any
        count: Any

    def types(emitted: type, *rows: tuple[Any, ...]) -> list[str]:
        return [
            spec.type.name + ("" if spec.required else "?") for spec in input_schema(emitted, ("wind", "count"), rows)
        ]

    assert types(Features, (1, 2)) == ["double", "long"]
    assert types(Features, (None, 2)) == ["double?", "long"]
    assert types(Features, (1.0, 2), (1.0, None)) == ["double", "double?"]
    assert types(Features, (1.0, 2.5)) == ["double", "double"]
    assert types(Undeclared, (1, 2)) == ["double", "double"]
    assert types(Undeclared, ("sun", True)) == ["string", "boolean"]


@pytest.mark.parametrize("value", [[1.0], "text", True])
def test_a_feature_without_one_type_is_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="feature 'wind' has type"):
        input_schema(Features, ("wind",), [(1.0,), (value,)])


def test_the_fields_of_every_kind_of_item_are_known() -> None:
    @dataclass
    class Row:
        a: int
        b: int

    assert emitted_fields(Row) == ("a", "b")
    assert emitted_fields(Reading) == ("minute", "wind")
    assert emitted_fields(Features) == ("wind", "count")
    for kind in (tuple, dict, float):
        with pytest.raises(ConfigurationError, match=f"the pipeline emits {kind.__name__}"):
            emitted_fields(kind)


FRAME = pd.DataFrame({"b": [1.0, 2.0], "a": [0.0, 1.0]})


@pytest.mark.parametrize(
    ("model", "given", "signature", "inputs"),
    [
        (Ridge().fit(FRAME, [1, 2]), None, None, ("b", "a")),
        (Ridge().fit(FRAME.to_numpy(), [1, 2]), ["a", "c"], None, ("a", "c")),
        (Ridge().fit(np.zeros((2, 3)), [1, 2]), None, None, ("a", "b", "c")),
        (object(), None, infer_signature(FRAME[["a", "b"]]), ("a", "b")),
        (object(), ["b", "a"], infer_signature(FRAME[["a", "b"]]), ("a", "b")),
    ],
    ids=["fitted with names", "given", "takes all", "signature", "signature and given"],
)
def test_the_inputs_are_found_in_the_model_or_given(model: Any, given: Any, signature: Any, inputs: Any) -> None:
    assert choose_inputs(model, {"a": "a", "b": "b", "c": "c"}, given=given, signature=signature) == inputs


@pytest.mark.parametrize(
    ("model", "given", "signature", "reason"),
    [
        (Ridge().fit(FRAME.to_numpy(), [1, 2]), None, None, "takes 2 features without naming them.*pass inputs="),
        (object(), None, None, "does not declare its inputs"),
        (Ridge().fit(FRAME.rename(columns={"a": "z"}), [1, 2]), None, None, "takes 'z', which the pipeline does not"),
        (object(), ["a"], infer_signature(FRAME), "do not match the inputs of the signature"),
    ],
)
def test_inputs_that_cannot_be_inferred_are_requested(model: Any, given: Any, signature: Any, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        choose_inputs(model, {"a": "a", "b": "b", "c": "c"}, given=given, signature=signature)


@pytest.mark.slow
def test_the_types_of_trees_are_trusted_and_foreign_ones_are_asked_for() -> None:
    forest = RandomForestRegressor(2).fit(FRAME, [1, 2])

    assert native_options(forest, {})["skops_trusted_types"] == ["sklearn.tree._tree.Tree"]
    forest.stranger = Path()
    with pytest.raises(ConfigurationError, match=r"which scikit-learn.*skops_trusted_types=\["):
        native_options(forest, {})
    assert native_options(forest, {"skops_trusted_types": ["x"]})["skops_trusted_types"] == ["x"]


def test_a_model_of_an_unknown_library_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="wrap it in an mlflow"):
        native_options(object(), {})
