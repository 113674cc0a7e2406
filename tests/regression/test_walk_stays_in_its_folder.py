"""RxSci's walk goes down into sub-folders whatever `recursive` says."""

from __future__ import annotations

from pathlib import Path

import pytest

from makiserve.stream.rxsci.io import walk


@pytest.mark.parametrize(("recursive", "names"), [(True, ["a", "sub/b"]), (False, ["a"])])
def test_walk_stays_in_its_folder_if_requested(tmp_path: Path, recursive: bool, names: list[str]) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a").touch()
    (tmp_path / "sub" / "b").touch()
    paths: list[str] = []
    walk(str(tmp_path), recursive=recursive).subscribe(paths.append)
    assert paths == [str(tmp_path / name) for name in names]
