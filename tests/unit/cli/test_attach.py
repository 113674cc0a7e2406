"""`makiserve attach` passes its options on, and prints where the new model is."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from makiserve.cli import attach as module

PIPELINE = """
import makiserve
import makiserve.stream as rs

class Reading(makiserve.Record):
    power: float

def features():
    return rs.ops.identity()

def post():
    return rs.ops.identity()
"""


def attached(monkeypatch: pytest.MonkeyPatch, version: int | None, *arguments: str) -> tuple[str, dict[str, Any]]:
    passed: dict[str, Any] = {}

    def attach(model: str, **options: Any) -> Any:
        passed.update(options, model=model)
        return SimpleNamespace(registered_model_version=version, model_uri="models:/m-1")

    monkeypatch.setattr(module, "attach_pipeline", attach)
    ran = CliRunner().invoke(module.attach, ["--model", "models:/house/3", *arguments], catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    return ran.output, passed


def test_attach_by_name_finds_the_record_type(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "attached_features.py"
    file.write_text(PIPELINE)
    options = ["--post", f"{file}:post", "--reference", "house.csv", "--input", "a", "--input", "b"]
    named = ["--registered-model-name", "house", "--alias", "challenger"]

    output, passed = attached(monkeypatch, 4, "--features", f"{file}:features", *options, *named)

    assert output == "models:/house/4\n"
    assert (passed["model"], passed["reference"], passed["inputs"]) == (
        "models:/house/3",
        Path("house.csv"),
        ("a", "b"),
    )
    assert (passed["features"].__name__, passed["record"].__name__, passed["post"].__name__) == (
        "features",
        "Reading",
        "post",
    )
    assert (passed["registered_model_name"], passed["alias"]) == ("house", "challenger")


def test_a_registered_pipeline_is_named_by_its_uri(monkeypatch: pytest.MonkeyPatch) -> None:
    output, passed = attached(monkeypatch, None, "--features", "models:/feats/3")

    assert output == "models:/m-1\n"
    assert (passed["features"], passed["record"], passed["post"], passed["inputs"]) == (
        "models:/feats/3",
        None,
        None,
        None,
    )
