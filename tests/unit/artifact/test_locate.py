"""A URI without a model: what was looked for, and which models, versions and aliases exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from makiserve.artifact import load
from makiserve.artifact.locate import locate
from makiserve.errors import ConfigurationError, ModelRefused

NAME = "located house"


@pytest.fixture
def client(tracking: str) -> Iterator[MlflowClient]:
    """A client of a registry with a model of two versions, of which 1 is the champion."""
    client = MlflowClient()
    client.create_registered_model(NAME)
    for _ in range(2):
        client.create_model_version(NAME, "file:///none")
    client.set_registered_model_alias(NAME, "champion", "1")
    yield client
    client.delete_registered_model(NAME)


def refusal(uri: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(uri)
    message = str(caught.value)
    assert message.startswith(f"model {uri}: ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        ("", "the version or the alias is missing"),
        ("@champoin", "Registered model alias champoin not found."),
        ("/7", "Model Version (name=located house, version=7) not found"),
        ("/Production", "'Production' is neither a version number nor 'latest'"),
    ],
)
def test_model_without_such_a_version_names_those_it_has(
    client: MlflowClient, tracking: str, end: str, reason: str
) -> None:
    message = refusal(f"models:/{NAME}{end}")
    assert reason in message
    existing = "it has versions 1, 2 and alias champion"
    assert message.endswith(
        f"(tracking server: {tracking}). Give models:/{NAME}/2 or models:/{NAME}@champion: {existing}"
    )


def test_model_without_versions_is_named(client: MlflowClient) -> None:
    client.create_registered_model("empty house")
    try:
        message = refusal("models:/empty house")
        assert "Give models:/empty house/1 or models:/empty house@ALIAS: it has no version and no alias" in message
    finally:
        client.delete_registered_model("empty house")


def test_only_the_last_of_many_versions_are_listed(client: MlflowClient) -> None:
    for _ in range(10):
        client.create_model_version(NAME, "file:///none")
    assert "it has versions … 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and alias champion" in refusal(f"models:/{NAME}")


@pytest.mark.parametrize("end", ["", "/1", "@champion"])
def test_unknown_model_names_similar_ones(client: MlflowClient, end: str) -> None:
    unknown = "located hose"
    assert f"There is no registered model '{unknown}'. Give another name, such as {NAME}" in refusal(
        f"models:/{unknown}{end}"
    )


def test_empty_registry_names_the_tracking_server_to_check(tracking: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MlflowClient, "search_registered_models", lambda self, **options: [])
    message = refusal("models:/nobody")
    assert f"(tracking server: {tracking}). No model is registered there: set MLFLOW_TRACKING_URI to" in message


def test_folder_that_does_not_exist_is_named_with_the_other_forms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    message = refusal("delay@champion")
    assert (
        f"the directory does not exist: {tmp_path / 'delay@champion'}. Give the folder that contains MLmodel" in message
    )
    assert "models:/NAME@ALIAS or models:/NAME/VERSION, a logged one runs:/RUN/NAME" in message


def test_folder_without_a_model_names_the_models_in_it(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("a", "b/c"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "MLmodel").write_text("flavors: {}\n")
    assert refusal(str(tmp_path / "empty")).endswith("is not a model: give the folder of a model that MLflow saved")
    assert refusal(str(tmp_path)).endswith(f"the folders of models in it are {tmp_path}/a, {tmp_path}/b/c")
    assert "is a file: give the folder that contains MLmodel" in refusal(str(tmp_path / "a" / "MLmodel"))
    assert locate(str(tmp_path / "a")).uri == str(tmp_path / "a")


@pytest.mark.parametrize("content", ["", "a: [", "flavors: 1\nsignature: 2\nnone_such: 3\n", "- 1\n"])
def test_damaged_model_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "MLmodel").write_text(content)
    with pytest.raises(ModelRefused, match=re.escape(f"model {tmp_path}: its file MLmodel cannot be read: ")):
        load(tmp_path)
