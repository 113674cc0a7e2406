"""The number of processes of a replay, and the error if one dies."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

import makiserve
from makiserve.artifact import features_only
from makiserve.errors import DecodeError, InternalError, OperatorError
from makiserve.offline.parallel.spread import processes_for
from makiserve.offline.sources import sources_from
from tests.unit.offline.test_replay import write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(5):
        write(tmp_path / f"{number}.csv", [1.0] * 30 * number)
    return tmp_path


def test_process_that_dies_is_reported(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("makiserve.offline.parallel.spread.START", "import os; os._exit(9)")
    model = features_only("tests.unit.offline.powers:pipeline")
    with pytest.raises(InternalError, match="a process of the replay exited with code 9"):
        makiserve.replay(model, folder, processes=2)


def test_little_to_read_and_pipes_take_one_process(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda process: range(4))
    sources = sources_from(folder)
    assert processes_for(sources, None) == 1
    monkeypatch.setattr("makiserve.offline.parallel.spread.MIN_PARALLEL_BYTES", 100)
    assert processes_for(sources, None) == 4
    assert processes_for(sources, 2) == 2
    assert processes_for(sources_from([folder / "1.csv"]), 3) == 1
    with_pipe: list[Path | str] = [folder / "1.csv", "-"]
    assert processes_for(sources_from(with_pipe), None) == 1


@pytest.mark.parametrize(
    "error", [DecodeError("no", field="a", expected="int", value="x"), OperatorError("no", operator="map", item=[1])]
)
def test_the_error_of_a_record_travels_whole(error: Any) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))
