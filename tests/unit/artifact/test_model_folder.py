"""The folder that a model is fetched into."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import mlflow
import pytest

from makiserve.artifact.fetch import ModelFolder, fetch

# Each kill -9 of a service left a copy of its model among the temporary files, until the volume was full.

OPEN = """
import sys, time
from makiserve.artifact.fetch import ModelFolder
folder = ModelFolder()
print(folder.path, flush=True)
sys.stdin.readline()
"""


@pytest.mark.slow
def test_next_process_removes_only_files_of_a_killed_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "another program's").mkdir()
    folder = ModelFolder()
    with subprocess.Popen(
        [sys.executable, "-c", OPEN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"TMPDIR": str(tmp_path), "PYTHONPATH": ":".join(sys.path)},
    ) as other:
        assert other.stdout
        left = Path(other.stdout.readline().strip())
        (left / "model.pkl").write_bytes(b"large")
        ModelFolder().remove()
        assert sorted(tmp_path.iterdir()) == sorted([tmp_path / "another program's", folder.path, left])
        other.kill()
        other.wait()
        ModelFolder().remove()
    assert sorted(tmp_path.iterdir()) == sorted([tmp_path / "another program's", folder.path])
    folder.remove()
    assert [path.name for path in tmp_path.iterdir()] == ["another program's"]


def test_a_folder_that_was_removed_meanwhile_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made: list[Path] = []
    mkdtemp = tempfile.mkdtemp

    def without_the_first(prefix: str) -> str:
        made.append(Path(mkdtemp(prefix=prefix)))
        if len(made) == 1:
            made[0].rmdir()
        return str(made[-1])

    monkeypatch.setattr(tempfile, "mkdtemp", without_the_first)
    folder = ModelFolder()
    assert folder.path == made[1]
    assert folder.path.is_dir()
    folder.remove()


# Two services started at once from a path both created MLflow's database in the same folder: one of them failed.


def test_a_path_is_copied_without_a_tracking_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
