"""One version in the place of another: of the same pipeline in this process, of another one in another."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from mlflow import MlflowClient

from makiserve.artifact import load, load_served, load_versioned, newest
from makiserve.artifact import registry as module
from makiserve.artifact.registry import ModelRegistry
from makiserve.cli.serve import require_alias
from makiserve.errors import ConfigurationError, ModelRefused, PipelineChanged
from makiserve.scoring import ROLES
from makiserve.serving.rollout.alias_watcher import accept
from makiserve.settings import ModelSettings
from tests.unit.artifact.conftest import Project
from tests.unit.artifact.example import FEATURES, HOUSE, fitted, forget

Log = Callable[..., Any]
NAME = "house of versions"


@pytest.fixture
def versions(log: Log, house: ModuleType, project: Project) -> ModuleType:
    """Versions 1 and 2 of one pipeline, 3 of another; `champion` is 1 and `challenger` 2."""
    for slope in (2.0, 3.0):
        log(house, model=fitted(slope), registered_model_name=NAME)
    forget("house")
    other = project(HOUSE | {"house/features.py": FEATURES.replace("i.wind", "-i.wind")}, "house.features")
    log(other, registered_model_name=NAME)
    forget("house")
    client = MlflowClient()
    first = min(int(model_version.version) for model_version in client.search_model_versions(f"name='{NAME}'"))
    assert first == 1
    client.set_registered_model_alias(NAME, "champion", "1")
    client.set_registered_model_alias(NAME, "challenger", "2")
    return other


@pytest.fixture(autouse=True)
def _registry(tracking: str) -> Any:
    yield
    client = MlflowClient()
    if any(model.name == NAME for model in client.search_registered_models()):
        client.delete_registered_model(NAME)


def uri(version: str) -> str:
    return f"models:/{NAME}{version}"


def test_an_alias_names_a_version_until_it_moves(versions: ModuleType) -> None:
    assert newest(uri("@champion")) == uri("/1")
    MlflowClient().set_registered_model_alias(NAME, "champion", "2")
    assert newest(uri("@champion")) == uri("/2")
    assert newest(uri("/latest")) == uri("/3")
    MlflowClient().delete_registered_model_alias(NAME, "champion")
    with pytest.raises(ConfigurationError, match="alias champion not found"):
        newest(uri("@champion"))


def test_version_of_the_same_pipeline_is_loaded_alongside(versions: ModuleType) -> None:
    first = load_versioned(ModelSettings(model=uri("@champion")), None)
    assert first.registry
    second = first.registry.load(uri("/2"))
    assert (first.version, second.version) == ("1", "2")
    assert second.registry is first.registry
    assert second.record is first.record


def test_each_role_has_its_own_alias(versions: ModuleType) -> None:
    what = ModelSettings(model=uri("@champion"), split="challenger=10%")
    first = load_versioned(what, uri("/1"))
    assert first.registry
    assert [first.registry.newest(place) for place in ROLES] == [uri("/1"), uri("/2"), None]
    second = first.registry.load(uri("/1"), "challenger", first)
    third = first.registry.load(uri("/2"), served=second)
    for model, champion, challenger in ((first, "1", "2"), (second, "1", "1"), (third, "2", "1")):
        assert model.companions.challenger
        assert model.companions.shadow
        assert (model.version, model.companions.challenger.version, model.companions.shadow.version) == (
            champion,
            challenger,
            "1",
        )
        assert (model.companions.share, model.registry) == (0.1, first.registry)


def test_fresh_process_checks_shadow_and_challenger(versions: ModuleType) -> None:
    registry = ModelRegistry(ModelSettings(model=uri("@champion"), split="challenger=10%"), None, load(uri("/1")))
    with pytest.raises(ModelRefused, match=r"in a new process: .*it must take the features of"):
        registry.try_out(uri("/3"), accept)
    MlflowClient().set_registered_model_alias(NAME, "challenger", "3")
    registry.try_out(uri("/3"), accept)


def test_no_code_of_another_pipeline_is_imported(versions: ModuleType) -> None:
    first = load(uri("/1"))
    before = set(sys.modules)
    with pytest.raises(PipelineChanged, match=r"has a different pipeline \(digest \w{12}…\) from"):
        load(uri("/3"), like=first)
    assert not [name for name in set(sys.modules) - before if name.startswith("house")]


def test_another_entry_point_of_the_same_sources_is_another_pipeline(log: Log, project: Project) -> None:
    both = FEATURES + "\ndef mirrored():\n    return rx.pipe(rs.ops.map(lambda i: Features(-i.fahrenheit, -i.wind)))\n"
    house = project(HOUSE | {"house/features.py": both}, "house.features")
    first = load(log(house).model_uri)
    with pytest.raises(PipelineChanged, match="although their sources are the same: their pipeline functions"):
        load(log(house, features=house.mirrored).model_uri, like=first)


def test_another_post_pipeline_of_the_same_sources_is_named(log: Log, project: Project) -> None:
    posts = FEATURES + (
        "\ndef alerts():\n    return rx.pipe(rs.ops.filter(lambda i: i.prediction > 0))\n"
        "\ndef warnings():\n    return rx.pipe(rs.ops.map(lambda i: i.prediction))\n"
    )
    house = project(HOUSE | {"house/features.py": posts}, "house.features")
    alerts = load(log(house, post=house.alerts).model_uri)
    with pytest.raises(PipelineChanged, match=rf"only {alerts.uri} has a post pipeline. Log both with the same post="):
        load(log(house).model_uri, like=alerts)
    with pytest.raises(PipelineChanged, match=r"their post pipelines differ\. Log both with the same post="):
        load(log(house, post=house.warnings).model_uri, like=alerts)


def test_a_challenger_may_be_named_by_its_alias_alone(versions: ModuleType) -> None:
    model = load_served(ModelSettings(model=uri("@champion"), split="challenger=10%"))
    challenger, share, shadow = model.companions
    assert challenger
    assert (challenger.version, share, shadow) == ("2", 0.1, None)


def test_a_shadow_has_the_same_pipeline_or_is_refused(versions: ModuleType) -> None:
    what = ModelSettings(model=uri("@champion"))
    shadow = load_versioned(what, uri("/2")).companions.shadow
    assert shadow
    assert shadow.version == "2"
    with pytest.raises(ConfigurationError, match=f"^--shadow {uri('/3')}: it must take the features"):
        load_versioned(what, uri("/3"))


def test_pipeline_without_a_model_has_no_shadow_or_challenger(house: ModuleType) -> None:
    what = ModelSettings(features="house.features:features")
    with pytest.raises(ConfigurationError, match="--shadow needs a model to compare with"):
        load_versioned(what, "models:/house/2")
    with pytest.raises(ConfigurationError, match="--split needs two models"):
        load_served(ModelSettings(features="house.features:features", split="challenger=10%"))


@pytest.mark.parametrize("split", ["challenger", "challenger=10", "challenger=0%", "challenger=100%", "=10%"])
def test_a_split_that_is_none_is_refused(versions: ModuleType, split: str) -> None:
    with pytest.raises(ConfigurationError, match="such as models:/house@challenger=10%"):
        load_served(ModelSettings(model=uri("@champion"), split=split))


@pytest.mark.parametrize("named", ["models:/house/3", "runs:/1/model", "models:/m-1", "folder", None])
def test_only_an_alias_can_be_watched(named: str | None) -> None:
    require_alias(ModelSettings(model="models:/house@champion"))
    require_alias(ModelSettings(model="models:/house/latest"))
    with pytest.raises(ConfigurationError, match="--watch follows an alias, but --model does not name one"):
        require_alias(ModelSettings(model=named))


@pytest.mark.parametrize(("code", "reason"), [("raise SystemExit(0)", None), ("raise SystemExit('no')", "no")])
def test_version_is_accepted_or_refused_by_a_new_process(
    versions: ModuleType, monkeypatch: pytest.MonkeyPatch, code: str, reason: str | None
) -> None:
    monkeypatch.setattr(module, "TRY_OUT", [sys.executable, "-c", code])
    registry = ModelRegistry(ModelSettings(model=uri("@champion")), None, load(uri("/1")))
    if reason is None:
        registry.try_out(uri("/3"), accept)
    else:
        with pytest.raises(ModelRefused, match=f"in a new process: {reason}"):
            registry.try_out(uri("/3"), accept)
