"""A model that must not serve is refused, with one message: the reason, and what to do."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import mlflow
import pytest

from makiserve.artifact import PackagedModel, check_reference, load
from makiserve.errors import ConfigurationError, ModelRefused
from tests.unit.artifact.example import FEATURES, HOUSE, fitted, forget, write

Log = Callable[..., Any]
Project = Callable[[dict[str, str], str], ModuleType]


@pytest.fixture
def artifact(log: Log, house: ModuleType, tmp_path: Path) -> Path:
    """A logged model on disk, in a process that has not imported its project."""
    uri = log(house).model_uri
    forget("house")
    return Path(mlflow.artifacts.download_artifacts(uri, dst_path=str(tmp_path / "artifact")))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def refusal(uri: Any, check: Callable[[PackagedModel], None] = lambda model: None) -> str:
    with pytest.raises(ModelRefused) as caught:
        check(load(uri))
    return str(caught.value)


def test_edited_sources_are_refused(artifact: Path) -> None:
    edit(artifact / "makiserve/sources/house/units.py", "1.8", "1.9")

    assert "sources in the artifact were edited after it was logged" in refusal(artifact)
    assert "house.units" not in sys.modules


def test_an_added_source_is_refused(artifact: Path) -> None:
    write({"house/extra.py": ""}, artifact / "makiserve/sources")

    assert "sources in the artifact were edited" in refusal(artifact)


def test_a_model_that_gives_other_predictions_is_refused_with_the_difference(artifact: Path) -> None:
    path = artifact / "makiserve/reference_outputs.jsonl"
    outputs = [json.loads(line) for line in path.read_text().splitlines()]
    outputs[2]["prediction"] *= 1.001
    path.write_text("".join(json.dumps(output) + "\n" for output in outputs))

    message = refusal(artifact, check_reference)

    packaged = outputs[2]["prediction"]
    assert f"prediction: 1 of 32 differ, the first at record 2: packaged {packaged}, here" in message


def test_a_feature_that_is_computed_otherwise_is_refused_by_its_name(artifact: Path) -> None:
    path = artifact / "makiserve/reference.jsonl"
    lines = path.read_text().splitlines()
    lines[3] = lines[3].replace('"fahrenheit":51.0', '"fahrenheit":51.00001')
    path.write_text("\n".join(lines))

    message = refusal(artifact, check_reference)

    assert "feature 'temperature': 1 of 32 differ, the first at record 3" in message
    assert "feature 'wind'" not in message


def test_a_missing_reference_record_is_refused_by_its_place(artifact: Path) -> None:
    path = artifact / "makiserve/reference.jsonl"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]))

    assert "outputs: packaged one at record 31, here no further one" in refusal(artifact, check_reference)


def test_a_damaged_reference_is_refused(artifact: Path) -> None:
    (artifact / "makiserve/reference_outputs.jsonl").write_text("{}\n")

    assert "the reference records of the model cannot be read" in refusal(artifact)


def test_another_version_of_the_same_module_needs_another_process(log: Log, project: Project) -> None:
    first = log(project(HOUSE, "house.features")).model_uri
    forget("house")
    second = log(project(HOUSE | {"house/units.py": HOUSE["house/units.py"] + "# new\n"}, "house.features")).model_uri
    forget("house")
    model = load(first)

    message = refusal(second)

    assert "already loaded another version of the pipeline's module house.units" in message
    check_reference(model)
    check_reference(load(first))


def test_another_version_is_refused_even_before_its_module_is_imported(log: Log, project: Project) -> None:
    late = HOUSE | {"house/late.py": "A = 1\n"}
    late["house/features.py"] += "\ndef unused():\n    import house.late\n"
    first = log(project(late, "house.features")).model_uri
    forget("house")
    second = log(project(late | {"house/late.py": "A = 2\n"}, "house.features")).model_uri
    forget("house")
    load(first)

    assert "house.late" not in sys.modules
    assert "another version of the pipeline's module house.late" in refusal(second)


def test_a_refused_model_leaves_no_module_behind(log: Log, house: ModuleType, project: Project) -> None:
    files = HOUSE | {
        "house/features.py": "import os\nif os.environ.get('HOUSE_FAILS'): raise OSError('no house')\n" + FEATURES
    }
    forget("house")
    uri = log(project(files, "house.features")).model_uri
    forget("house")
    finders = sys.meta_path.copy()

    os.environ["HOUSE_FAILS"] = "1"
    try:
        message = refusal(uri)
    finally:
        del os.environ["HOUSE_FAILS"]

    assert "the model cannot be loaded here: OSError: no house" in message
    assert sys.meta_path == finders
    assert not [name for name in sys.modules if name.startswith("house")]
    check_reference(load(uri))


def test_a_pipeline_that_depends_on_its_environment_is_refused(log: Log, project: Project) -> None:
    changed = FEATURES.replace("rx.pipe(", "rx.pipe(*([rs.ops.first()] if os.environ.get('HOUSE_FIRST') else []), ")
    files = HOUSE | {"house/features.py": "import os\n" + changed}
    uri = log(project(files, "house.features")).model_uri

    os.environ["HOUSE_FIRST"] = "1"
    try:
        assert "does not build the pipeline that was packaged" in refusal(uri)
    finally:
        del os.environ["HOUSE_FIRST"]


@pytest.mark.slow
def test_a_plain_mlflow_model_is_refused_with_the_way_to_package_it(tmp_path: Path) -> None:
    mlflow.sklearn.save_model(fitted(), str(tmp_path / "plain"), pip_requirements=["scikit-learn"])

    message = refusal(tmp_path / "plain")

    assert "without a feature pipeline and without a signature that names its inputs" in message
    assert "makiserve.log_model(model, features=" in message


def test_a_directory_without_a_model_is_refused(tmp_path: Path) -> None:
    write({"nothing/readme.txt": "no"}, tmp_path)

    with pytest.raises(ConfigurationError, match=r"it has no file MLmodel, so .* is not a model"):
        load(tmp_path / "nothing")


def test_a_format_of_a_later_makiserve_is_refused(artifact: Path) -> None:
    edit(artifact / "MLmodel", "format_version: 1", "format_version: 2")

    assert "in format 2, but this makiserve reads format 1" in refusal(artifact)


def test_a_damaged_flavor_is_refused(artifact: Path) -> None:
    edit(artifact / "MLmodel", "entry_point:", "enter_point:")

    assert "the makiserve flavor in its MLmodel is damaged" in refusal(artifact)


def test_a_packaged_module_that_shadows_an_installed_one_is_refused(
    artifact: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write({"site-packages/house/__init__.py": "another house"}, tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path / "site-packages"))

    assert "its module 'house' has the name of an installed one" in refusal(artifact)


def test_the_same_project_installed_here_is_not_in_the_way(
    artifact: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(HOUSE, tmp_path / "site-packages")
    monkeypatch.syspath_prepend(str(tmp_path / "site-packages"))

    check_reference(load(artifact))


def test_a_difference_of_the_environment_is_reported(artifact: Path) -> None:
    with (artifact / "requirements.txt").open("a") as lines:
        lines.write("\nnumpy==0.1\nno-such-distribution==3.0\npandas>=1\n-c constraints.txt\n")

    differences = load(artifact).differences

    assert any(line.startswith("numpy: packaged 0.1, here ") for line in differences)
    assert "no-such-distribution: packaged 3.0, here not installed" in differences
    assert not any(line.startswith("pandas") for line in differences)


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("models:/nobody/1", "Model Version (name=nobody, version=1) not found"),
        ("models:/nobody@champion", "Registered Model with name=nobody not found"),
        ("models:/nobody/Production", "'Production' is neither a version number nor 'latest'"),
        ("models:/m-00000000", "Logged model with ID 'm-00000000' not found"),
        ("runs:/00000000/model", "Run with id=00000000 not found"),
        ("/no/such/directory", "the directory does not exist"),
        ("nothing://here", "Could not find a registered artifact repository"),
    ],
)
def test_a_uri_that_leads_nowhere_is_an_error_of_one_line(tracking: str, uri: str, reason: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(uri)

    assert str(caught.value).startswith(f"model {uri}: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_run_without_such_a_model_names_those_it_has(log: Log, house: ModuleType) -> None:
    with mlflow.start_run() as run:
        log(house, name="fine")

    with pytest.raises(ConfigurationError, match="has no logged model 'other'; its models: 'fine'"):
        load(f"runs:/{run.info.run_id}/other")


def test_a_reload_of_the_users_own_module_reads_the_users_own_file(log: Log, house: ModuleType, tmp_path: Path) -> None:
    load(log(house).model_uri)
    write({"house/features.py": FEATURES + "EDITED = True\n"}, tmp_path / "project")

    assert importlib.reload(house).EDITED


def test_other_modules_of_a_packaged_package_are_still_found(log: Log, house: ModuleType, tmp_path: Path) -> None:
    uri = log(house).model_uri
    path = sys.path.copy()
    forget("house")
    sys.path[:] = path
    write({"house/train.py": "TRAINED = True\n"}, tmp_path / "project")
    importlib.invalidate_caches()

    load(uri)

    assert importlib.import_module("house.train").TRAINED
