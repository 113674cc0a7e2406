"""Pipelines and models that come together late: registered pipelines, attached pipelines, models without one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import mlflow
import pandas as pd
import pytest
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ColSpec, DataType, Schema
from sklearn.linear_model import Ridge

import makiserve
from makiserve.artifact import PackagedModel, attach, check_reference, load, log_features, log_model
from makiserve.artifact.reference.reference import score_reference
from makiserve.artifact.unpackaged import record_from_schema
from makiserve.errors import ConfigurationError, ModelRefused
from makiserve.records import Schema as RecordSchema
from tests.unit.artifact.example import fitted, forget, readings

FRAME = pd.DataFrame({"temperature": [0.0, 10.0, 20.0], "wind": [1.0, 0.0, 3.0]})
LABEL = [1.0, 2.0, 3.0]
POST = """
import makiserve.stream as rs

def post():
    return rs.ops.filter(lambda p: p.prediction > 30)
"""


def plain_model(signature: ModelSignature | None = None, **options: Any) -> str:
    """A model as MLflow alone logs it."""
    model = Ridge().fit(FRAME, LABEL)
    model_signature = signature or infer_signature(FRAME, LABEL)
    options |= {"signature": model_signature, "pip_requirements": ["scikit-learn"]}
    return str(mlflow.sklearn.log_model(model, name="plain", **options).model_uri)


def expected(row: list[float]) -> list[float]:
    return Ridge().fit(FRAME, LABEL).predict(pd.DataFrame([row], columns=list(FRAME))).tolist()


def predictions(model: PackagedModel, records: Any) -> list[Any]:
    return score_reference(model.scorer(), records).predictions


@pytest.fixture
def registered(tracking: str, house: ModuleType) -> str:
    info = log_features(house.features, record=house.Reading, reference=readings(house), registered_model_name="feats")
    return f"models:/feats/{info.registered_model_version}"


def test_registered_pipeline_is_loaded_without_a_model(registered: str) -> None:
    forget("house")

    pipeline = load(registered)
    scored = score_reference(pipeline.scorer(), pipeline.reference.records)
    encoded = pipeline.outputs(("features.wind", "record.minute")).encode(scored, pipeline.reference.records)

    assert pipeline.predictor is None
    assert (pipeline.name, pipeline.features.__module__ if pipeline.features else None) == ("feats", "house.features")
    assert json.loads(encoded.values[3]) == {"features": {"wind": 3.0}, "record": {"minute": 3}}
    assert json.loads(pipeline.outputs().encode(scored, ()).values[0]) == {"temperature": 10.0, "wind": 0.0}
    check_reference(pipeline)


def test_registered_pipeline_is_not_a_pyfunc_and_has_requirements(registered: str, tmp_path: Path) -> None:
    directory = Path(mlflow.artifacts.download_artifacts(registered, dst_path=str(tmp_path)))

    assert list(mlflow.models.Model.load(str(directory / "MLmodel")).flavors) == ["makiserve"]
    assert {line.partition("==")[0].lower() for line in (directory / "requirements.txt").read_text().splitlines()} == {
        "makiserve",
        "rx",
    }


def test_model_of_a_registered_pipeline_has_a_copy_and_the_link(registered: str) -> None:
    forget("house")
    pipeline = load(registered)

    infos = [
        log_model(fitted(slope), features=registered, pip_requirements=["scikit-learn"], name=name)
        for slope, name in [(2.0, "two"), (3.0, "three")]
    ]
    two, three = (load(info.model_uri) for info in infos)

    for model, info in zip((two, three), infos, strict=True):
        assert model.digest == pipeline.digest
        assert model.reference.records == pipeline.reference.records
        assert info.flavors["makiserve"]["link"] == {
            "uri": registered,
            "name": "feats",
            "version": pipeline.version,
            "digest": pipeline.digest,
        }
        check_reference(model)
    assert predictions(two, two.reference.records) != predictions(three, three.reference.records)
    assert any(line.lower().startswith("rx==") for line in two.requirements)


def test_a_registered_pipeline_takes_a_post_pipeline_of_the_users(
    registered: str, project: Callable[..., ModuleType]
) -> None:
    late = project({"late.py": POST}, "late")

    model = load(log_model(fitted(), features=registered, post=late.post, pip_requirements=["scikit-learn"]).model_uri)

    assert model.sources is not None
    assert {"house/features.py", "late.py"} <= model.sources.files.keys()
    assert model.post is not None
    check_reference(model)


def test_record_type_with_a_registered_pipeline_is_refused(registered: str) -> None:
    with pytest.raises(ConfigurationError, match=r"already has the record type Reading: do not pass record="):
        log_model(fitted(), features=registered, record=makiserve.Record)


def test_a_pipeline_from_code_needs_its_record_type(tracking: str, house: ModuleType) -> None:
    with pytest.raises(ConfigurationError, match=r"needs record= \(its record type\) and reference="):
        log_model(fitted(), features=house.features)


def test_a_pipeline_is_attached_to_a_model_of_mlflows(tracking: str, house: ModuleType) -> None:
    uri = plain_model(metadata={"team": "energy"})

    info = attach(
        uri,
        features=house.features,
        record=house.Reading,
        reference=readings(house),
        registered_model_name="attached",
        alias="champion",
    )
    model = load("models:/attached@champion")

    assert info.metadata == {"team": "energy"}
    assert set(info.flavors) == {"sklearn", "python_function", "makiserve"}
    frame = pd.DataFrame([output.features for output in model.reference.outputs])
    assert predictions(model, readings(house))[: len(frame)] == mlflow.pyfunc.load_model(uri).predict(frame).tolist()
    assert any(line.lower().startswith("rx==") for line in model.requirements)
    assert load(uri).features is None
    check_reference(model)


def test_attaching_replaces_the_pipeline_that_a_model_has(log: Any, house: ModuleType, registered: str) -> None:
    uri = log(house).model_uri

    info = attach(uri, features=registered)

    assert info.flavors["makiserve"]["link"]["uri"] == registered
    check_reference(load(info.model_uri))


def test_attaching_completes_a_model_without_a_signature(tracking: str, house: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "unsigned"
    mlflow.sklearn.save_model(Ridge().fit(FRAME, LABEL), str(path), pip_requirements=["scikit-learn"])
    arguments = {"features": house.features, "record": house.Reading, "reference": readings(house)}

    with pytest.raises(ModelRefused, match="without a signature that names its inputs"):
        load(path)
    with pytest.raises(ConfigurationError, match=r"does not declare its inputs.*pass inputs.*--input NAME for each"):
        attach(str(path), **arguments)
    info = attach(str(path), inputs=["temperature", "wind"], **arguments)

    assert [spec.name for spec in info.signature.inputs] == ["temperature", "wind"]
    check_reference(load(info.model_uri))


def test_folder_that_is_not_a_model_gets_no_pipeline(
    tracking: str, house: ModuleType, registered: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="it has no file MLmodel"):
        attach(str(tmp_path), features=registered)
    (tmp_path / "MLmodel").write_text("- 1")
    with pytest.raises(ModelRefused, match=f"model {tmp_path}: its file MLmodel cannot be read"):
        attach(str(tmp_path), features=registered)
    with pytest.raises(ModelRefused, match="it has no python_function flavor, only makiserve"):
        attach(registered, features=registered)
    with pytest.raises(ConfigurationError, match=r"features='.*': this model has no pipeline"):
        log_model(fitted(), features=plain_model())


def test_a_model_without_a_pipeline_takes_records_by_its_signature(tracking: str) -> None:
    model = load(plain_model())

    records = [RecordSchema(model.record).decode_json(b'{"temperature": 10, "wind": 1.5}')]

    assert predictions(model, records) == expected([10.0, 1.5])
    assert (model.digest, model.features, model.emitted) == ("", None, ("temperature", "wind"))
    check_reference(model)


def test_a_model_without_a_pipeline_gets_one_by_its_name(
    tracking: str, house: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model = load(plain_model(), features="house.features:features")

    (prediction,) = predictions(model, readings(house)[:1])

    assert prediction == pytest.approx(expected([10.0, 0.0])[0])
    assert model.record is house.Reading
    assert len(model.digest) == 64


def test_a_packaged_pipeline_is_not_replaced_by_name(log: Any, house: ModuleType) -> None:
    with pytest.raises(ModelRefused, match=r"packaged with a pipeline, house\.features:features: do not pass features"):
        load(log(house).model_uri, features="house.features:features")


def test_a_record_of_a_signature_has_its_names_and_types() -> None:
    columns = [
        ColSpec(DataType.double, "House overall [kW]", required=False),
        ColSpec(DataType.long, "class"),
        ColSpec(DataType.string, "1st"),
        ColSpec(DataType.boolean, "a b"),
        ColSpec(DataType.datetime, "a_b", required=False),
    ]
    schema = RecordSchema(record_from_schema(Schema(columns)))

    record: Any = schema.decode_json(b'{"class": 3, "1st": "x", "a b": true, "House overall [kW]": null}')

    assert [record.House_overall__kW_, record.class_, record._1st, record.a_b, record.a_b_] == [
        None,
        3,
        "x",
        True,
        None,
    ]
    with pytest.raises(makiserve.errors.DecodeError, match="'1st': expected str"):
        schema.decode_json(b'{"class": 3, "1st": 4, "a b": true}')


def test_a_signature_of_other_things_than_values_makes_no_record() -> None:
    with pytest.raises(ModelRefused, match=r"its input 'words' has type Array\(string\)"):
        record_from_schema(infer_signature(pd.DataFrame({"words": [["a"]]})).inputs)
