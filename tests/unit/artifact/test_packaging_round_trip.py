"""A logged model is loaded with its pipeline, and gives what it was packaged with."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import mlflow
import pandas as pd
import pytest

from makiserve.artifact import check_reference, load
from makiserve.artifact.reference.reference import score_reference
from makiserve.errors import ConfigurationError
from tests.unit.artifact.example import FEATURES, HOUSE, fitted, forget, readings

Log = Callable[..., Any]

OTHERS = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("makiserve", "rx", "house"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
import json, mlflow.pyfunc, pandas
model = mlflow.pyfunc.load_model(sys.argv[1])
print(json.dumps(model.predict(pandas.DataFrame(json.load(sys.stdin))).tolist()))
"""


def artifact(info: Any, directory: Path) -> Path:
    return Path(mlflow.artifacts.download_artifacts(info.model_uri, dst_path=str(directory)))


def test_a_loaded_model_scores_records_as_the_logged_one_did(log: Log, house: ModuleType) -> None:
    model = load(log(house).model_uri)

    scored = score_reference(model.scorer(), readings(house))

    rows = [house.features.__globals__["celsius"](r.fahrenheit) for r in readings(house)]
    expected = fitted().predict([[row, r.wind] for row, r in zip(rows, readings(house), strict=True)])
    assert scored.predictions == pytest.approx(expected.tolist(), rel=1e-12)
    assert (model.name, model.version, model.run_id) == (None, None, None)
    check_reference(model)


def test_a_process_without_the_project_gets_the_pipeline_from_the_artifact(log: Log, house: ModuleType) -> None:
    uri = log(house).model_uri
    forget("house")

    model = load(uri)

    assert model.features.__module__ == "house.features"
    assert model.features is not house.features
    assert model.record.__qualname__ == "Reading"
    check_reference(model)


def test_a_pipeline_of_reactivex_is_packaged_with_its_requirement(log: Log, project: Callable[..., Any]) -> None:
    composed = FEATURES.replace("import rx", "import reactivex").replace("rx.pipe", "reactivex.compose")
    house = project(HOUSE | {"house/features.py": composed}, "house.features")
    uri = log(house).model_uri
    forget("house")
    model = load(uri)
    assert any(line.startswith("reactivex==") for line in model.requirements)
    assert not any(line.lower().startswith("rx==") for line in model.requirements)
    assert model.sample
    check_reference(model)


def test_loading_in_the_training_process_uses_its_own_modules(log: Log, house: ModuleType) -> None:
    assert load(log(house).model_uri).features is house.features


def test_loading_leaves_the_path_as_it_was(log: Log, house: ModuleType) -> None:
    uri = log(house).model_uri
    forget("house")
    before = sys.path.copy()

    load(uri)

    assert sys.path == before


def test_an_import_inside_a_pipeline_function_finds_the_packaged_module(log: Log, project: Callable[..., Any]) -> None:
    files = HOUSE | {"house/late.py": "FACTOR = 3.0\n"}
    files["house/features.py"] = files["house/features.py"].replace(
        "Features(celsius(i.fahrenheit), i.wind)", "Features(celsius(i.fahrenheit), late(i.wind))"
    )
    files["house/features.py"] += "\ndef late(wind):\n    from house.late import FACTOR\n    return wind * FACTOR\n"
    house = project(files, "house.features")
    uri = log(house).model_uri
    forget("house")

    model = load(uri)
    del uri
    gc.collect()
    check_reference(model)

    assert "house.late" in sys.modules


def test_anyone_without_makiserve_loads_a_plain_pyfunc(log: Log, house: ModuleType, tmp_path: Path) -> None:
    directory = artifact(log(house, model=named(house)), tmp_path / "artifact")
    outputs = [json.loads(line) for line in (directory / "makiserve/reference_outputs.jsonl").read_text().splitlines()]
    features = [output["features"] for output in outputs]

    ran = subprocess.run(
        [sys.executable, "-c", OTHERS, str(directory)],
        input=json.dumps(features),
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )

    assert json.loads(ran.stdout) == [output["prediction"] for output in outputs]


def test_the_artifact_holds_what_its_flavor_says(log: Log, house: ModuleType, tmp_path: Path) -> None:
    info = log(house)
    directory = artifact(info, tmp_path / "artifact")
    flavor = info.flavors["makiserve"]

    assert set(info.flavors) == {"sklearn", "python_function", "makiserve"}
    assert (flavor["entry_point"], flavor["record"]) == ("house.features:features", "house.features:Reading")
    assert flavor["inputs"] == ["temperature", "wind"]
    assert flavor["record_schema"]["$defs"]["Reading"]["required"] == ["minute", "fahrenheit", "wind speed"]
    assert {path.relative_to(directory).as_posix() for path in (directory / "makiserve").rglob("*.*")} == {
        "makiserve/sources/house/__init__.py",
        "makiserve/sources/house/features.py",
        "makiserve/sources/house/units.py",
        "makiserve/reference.jsonl",
        "makiserve/reference_outputs.jsonl",
        "makiserve/profile.json",
    }
    assert "wind speed" in (directory / "makiserve/reference.jsonl").read_text()


def test_the_signature_is_of_the_features_and_the_first_real_outputs(log: Log, house: ModuleType) -> None:
    signature = log(house).signature

    assert [(spec.name, spec.type.name, spec.required) for spec in signature.inputs] == [
        ("temperature", "double", True),
        ("wind", "double", True),
    ]
    assert signature.outputs.inputs[0].shape == (-1,)


def test_a_signature_that_is_given_is_kept(log: Log, house: ModuleType) -> None:
    frame = pd.DataFrame({"wind": [1.0], "temperature": [2.0]})
    signature = mlflow.models.infer_signature(frame, [1.0])
    model = named(house, ["wind", "temperature"])

    packaged = load(log(house, model=model, signature=signature).model_uri)

    assert packaged.predictor.inputs == ("wind", "temperature")
    check_reference(packaged)


def test_the_requirements_are_those_of_the_model_and_of_the_pipeline(
    log: Log, house: ModuleType, tmp_path: Path
) -> None:
    directory = artifact(log(house, pip_requirements=None), tmp_path / "artifact")

    names = {line.partition("==")[0].lower() for line in (directory / "requirements.txt").read_text().splitlines()}

    assert {"mlflow", "scikit-learn", "skops", "rx", "makiserve"} <= names


def test_a_registered_model_is_loaded_by_version_alias_and_latest(log: Log, house: ModuleType) -> None:
    log(house, registered_model_name="registered", alias="champion")
    second = log(house, registered_model_name="registered")

    loaded = [load(f"models:/registered{suffix}") for suffix in ("/1", "@champion", "/latest")]

    assert [(model.name, model.version) for model in loaded] == [
        ("registered", "1"),
        ("registered", "1"),
        ("registered", "2"),
    ]
    assert second.registered_model_version == 2


def test_a_model_logged_in_a_run_knows_it(log: Log, house: ModuleType) -> None:
    with mlflow.start_run() as run:
        log(house, name="fine")

    model = load(f"runs:/{run.info.run_id}/fine")

    assert model.run_id == run.info.run_id


def test_a_copy_on_disk_is_loaded_and_never_written_to(log: Log, house: ModuleType, tmp_path: Path) -> None:
    directory = artifact(log(house), tmp_path / "artifact")
    before = {path: path.stat().st_mtime_ns for path in directory.rglob("*")}

    for uri in (directory, directory.as_uri()):
        check_reference(load(uri))

    assert {path: path.stat().st_mtime_ns for path in directory.rglob("*")} == before


def test_a_relative_path_is_a_uri_too(
    log: Log, house: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = artifact(log(house), tmp_path / "artifact")
    monkeypatch.chdir(directory.parent)

    check_reference(load(directory.name))


def test_copied_files_are_deleted_with_the_predictor(
    log: Log, house: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = log(house).model_uri
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    predictor = load(uri).predictor
    gc.collect()
    assert list(tmp_path.glob("makiserve-*"))

    del predictor
    gc.collect()

    assert not list(tmp_path.glob("makiserve-*"))


def test_an_alias_needs_a_registered_model(log: Log, house: ModuleType) -> None:
    with pytest.raises(ConfigurationError, match="alias='champion' needs registered_model_name="):
        log(house, alias="champion")


def test_conda_env_without_the_pipelines_requirements_is_refused(log: Log, house: ModuleType) -> None:
    with pytest.raises(ConfigurationError, match="pass extra_pip_requirements="):
        log(house, pip_requirements=None, conda_env={"dependencies": []})


def named(house: ModuleType, names: list[str] | None = None) -> Any:
    frame = pd.DataFrame({"temperature": [0.0, 10.0, 20.0], "wind": [1.0, 0.0, 3.0]})
    return type(fitted())().fit(frame[names or list(frame.columns)], [1.0, 2.0, 3.0])
