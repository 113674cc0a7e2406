"""A replay of files: positions, dead letters, what is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

import makiserve
from makiserve.artifact import PackagedModel
from makiserve.errors import ConfigurationError, SourceError
from tests.unit.offline.powers import Reading, pipeline

HEADER = "time,house,power [kW]\n"


def write(path: Path, powers: list[float], house: str = "a") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEADER + "".join(f"{time},{house},{power}\n" for time, power in enumerate(powers)))
    return path


def test_an_output_has_the_position_of_the_record_that_caused_it(model: PackagedModel, tmp_path: Path) -> None:
    replayed = makiserve.replay(model, write(tmp_path / "house.csv", [1, 2, 3, 4, -1, 5]), label="power [kW]")
    assert replayed.rows == 6
    assert replayed.outputs == [(2, 4.0), (3, 6.0), (5, 8.0)]
    assert replayed.frame.to_dict("list") == {
        "source": ["house.csv"] * 3,
        "offset": [2, 3, 5],
        "prediction": [4.0, 6.0, 8.0],
        "label": [3.0, 4.0, 5.0],
    }
    assert [(source, offset) for source, offset, _ in replayed.dead] == [("house.csv", 4)]
    assert replayed.reasons == {"operator": 1}


def test_each_file_is_a_separate_lane(model: PackagedModel, tmp_path: Path) -> None:
    write(tmp_path / "data" / "day=1" / "part.csv", [1, 2, 3])
    write(tmp_path / "data" / "day=2" / "part.csv", [7, 8, 9])
    (tmp_path / "data" / "_SUCCESS").touch()
    replayed = makiserve.replay(model, tmp_path / "data")
    assert list(replayed.frame["source"]) == ["day=1/part.csv", "day=2/part.csv"]
    assert replayed.outputs == [(2, 4.0), (2, 16.0)]
    assert replayed.outputs == makiserve.replay(model, str(tmp_path / "data" / "*" / "*.csv")).outputs


def test_a_file_that_is_named_twice_is_refused(model: PackagedModel, tmp_path: Path) -> None:
    twice: list[Path | str] = [write(tmp_path / "house.csv", [1]), str(tmp_path / "*.csv")]
    with pytest.raises(SourceError, match="given more than once"):
        makiserve.replay(model, twice)


def test_a_pattern_that_names_no_file_is_refused(model: PackagedModel, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no file matches"):
        makiserve.replay(model, tmp_path / "*.csv")
    with pytest.raises(SourceError, match="the folder is empty"):
        makiserve.replay(model, tmp_path)


def test_outputs_that_are_not_collected_are_only_in_the_file(model: PackagedModel, tmp_path: Path) -> None:
    source, output = write(tmp_path / "house.csv", [1, 2, 3, 13, -5]), tmp_path / "predictions.csv"
    replayed = makiserve.replay(model, source, output=output, collect=False)
    assert output.read_text() == "source,offset,prediction\nhouse.csv,2,4.0\n"
    assert (replayed.rows, replayed.written, replayed.reasons) == (5, 1, {"predict": 1, "operator": 1})
    with pytest.raises(ConfigurationError, match="did not collect its outputs"):
        _ = replayed.frame


def test_a_frame_of_several_files_is_indexed_by_source_and_offset(tmp_path: Path) -> None:
    paths = [write(tmp_path / "a.csv", [1, 2, 3]), write(tmp_path / "b.csv", [4, 5, 6])]
    frame = makiserve.features_frame(paths, features=pipeline, record=Reading)
    assert list(frame.index) == [("a.csv", 2), ("b.csv", 2)]
    assert list(frame["mean"]) == [2.0, 5.0]


def test_a_notebook_shows_counts_metrics_and_outputs(model: PackagedModel, tmp_path: Path) -> None:
    source = write(tmp_path / "house.csv", [1, 2, 3, 4, -1])
    shown = makiserve.replay(model, source, label="power [kW]")._repr_html_()
    for text in ("<td>5</td>", "<td>2</td>", "<td>1</td>", "rmse", "house.csv", "<td>6.0</td>"):
        assert text in shown
    assert "house.csv" not in makiserve.replay(model, source, collect=False)._repr_html_()


def test_a_notebook_shows_the_report_where_there_is_one(model: PackagedModel, tmp_path: Path) -> None:
    shown = makiserve.replay(model, write(tmp_path / "house.csv", [1, 2, 3]), report=True)._repr_html_()
    assert shown.startswith('<iframe srcdoc="&lt;!doctype html')
