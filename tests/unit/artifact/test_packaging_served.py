"""The models that are loaded to serve or replay, and those that are refused before anything runs."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from makiserve.artifact import roles as module
from makiserve.errors import ConfigurationError, ModelRefused
from makiserve.settings import ModelSettings


@dataclass(frozen=True)
class Model:
    uri: str = "models:/house/1"
    differences: tuple[str, ...] = ("pandas: packaged 2.0, here 3.1",)
    reference: Any = field(default_factory=lambda: SimpleNamespace(records=(), outputs=()))
    emit: tuple[str, ...] = ()

    def outputs(self) -> None:
        if "nothing" in self.emit:
            raise ConfigurationError("no such thing")


@pytest.fixture(autouse=True)
def _model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "load", lambda uri, features, like: Model())
    monkeypatch.setattr(module, "check_reference", lambda model: None)


def test_differences_of_the_environment_are_reported(caplog: pytest.LogCaptureFixture) -> None:
    module.load_served(ModelSettings(model="models:/house/1"))

    assert "environment: pandas: packaged 2.0, here 3.1" in caplog.messages
    assert any("has no reference records" in message for message in caplog.messages)


def test_the_reference_outputs_are_counted(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    caplog.set_level(logging.INFO)
    model = Model(reference=SimpleNamespace(records=(1, 2), outputs=(1,)))
    monkeypatch.setattr(module, "load", lambda uri, features, like: model)

    module.load_served(ModelSettings(model="models:/house/1"))

    assert "models:/house/1 reproduces its 1 reference outputs" in caplog.messages


def test_a_strict_environment_refuses_them() -> None:
    with pytest.raises(ModelRefused, match=r"--strict-environment does not allow:\n  pandas: packaged 2\.0"):
        module.load_served(ModelSettings(model="models:/house/1", strict_environment=True))


def test_emit_accepts_a_list_with_commas() -> None:
    served = module.load_served(ModelSettings(model="models:/house/1", emit=("prediction,record.house", "features")))

    assert served.emit == ("prediction", "record.house", "features")


def test_unknown_part_to_emit_is_refused_at_the_start() -> None:
    with pytest.raises(ConfigurationError, match="no such thing"):
        module.load_served(ModelSettings(model="models:/house/1", emit=("nothing",)))


def test_start_without_model_and_pipeline_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="give the model"):
        module.load_served(ModelSettings())
