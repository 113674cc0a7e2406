"""Two services started at once from a path both created MLflow's database in the same folder: one of them failed."""

from __future__ import annotations

from pathlib import Path

import mlflow
import pytest

from makiserve.artifact.fetch import fetch


def test_a_path_is_copied_and_nothing_else_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, into = tmp_path / "model", tmp_path / "into"
    model.mkdir()
    into.mkdir()
    (model / "MLmodel").write_text("flavors: {}\n")
    monkeypatch.chdir(tmp_path)
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri("sqlite:///store.db")
    try:
        fetched = fetch("model", into)
    finally:
        mlflow.set_tracking_uri(before)
    assert (fetched.directory / "MLmodel").read_text() == "flavors: {}\n"
    assert not (tmp_path / "store.db").exists()
