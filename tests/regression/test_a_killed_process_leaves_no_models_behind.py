"""Each kill -9 of a service left a copy of its model among the temporary files, until the volume was full."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from makiserve.artifact.fetch import ModelFolder

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
    (tmp_path / "somebody else's").mkdir()
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
        assert sorted(tmp_path.iterdir()) == sorted([tmp_path / "somebody else's", folder.path, left])
        other.kill()
        other.wait()
        ModelFolder().remove()
    assert sorted(tmp_path.iterdir()) == sorted([tmp_path / "somebody else's", folder.path])
    folder.remove()
    assert [path.name for path in tmp_path.iterdir()] == ["somebody else's"]


def test_a_folder_that_was_taken_for_a_left_one_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
