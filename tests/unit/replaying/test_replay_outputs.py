"""The file of outputs holds what a service would publish."""

from __future__ import annotations

from pathlib import Path

import pytest

import makiserve
from makiserve.errors import SourceError
from makiserve.packaging import PackagedModel
from makiserve.replaying.output import PredictionsWriter
from makiserve.replaying.sources import Block
from makiserve.scoring import Outputs, Posted, Scored
from tests.unit.replaying.powers import Features, Reading
from tests.unit.replaying.test_replay import write


def lines(model: PackagedModel, tmp_path: Path, *powers: float, emit: tuple[str, ...] = ()) -> list[str]:
    output = tmp_path / "out.csv"
    makiserve.replay(model, write(tmp_path / "house.csv", list(powers)), output=output, emit=emit)
    return output.read_text().splitlines()


def test_each_field_of_a_part_is_a_column(model: PackagedModel, tmp_path: Path) -> None:
    assert lines(model, tmp_path, 1, 2, 3, emit=("prediction", "features", "record.power [kW]")) == [
        "source,offset,prediction,features.time,features.power,features.mean,record.power [kW]",
        "house.csv,2,4.0,2,3.0,2.0,3.0",
    ]


def test_what_the_post_pipeline_emits_is_the_output(alarmed: PackagedModel, tmp_path: Path) -> None:
    assert lines(alarmed, tmp_path, 1, 2, 3, 4, 5) == [
        "source,offset,time,over",
        "house.csv,3,3,1.0",
        "house.csv,4,4,3.0",
    ]


def test_what_is_published_is_counted(alarmed: PackagedModel, tmp_path: Path) -> None:
    assert makiserve.replay(alarmed, write(tmp_path / "house.csv", [1, 2, 3, 4, 5])).written == 2


def test_a_file_without_outputs_has_titles(model: PackagedModel, alarmed: PackagedModel, tmp_path: Path) -> None:
    assert lines(model, tmp_path, 1) == ["source,offset,prediction"]
    assert lines(alarmed, tmp_path, 1) == ["source,offset"]


def test_outputs_of_several_forms_do_not_fit_one_file() -> None:
    writer = PredictionsWriter(_Lines(), Outputs(Reading, Features._fields, has_model=True, has_post=True))
    posted = Posted([0, 1], [{"over": 1}, {"under": 1}])

    with pytest.raises(SourceError, match=r"first over, at house\.csv offset 8 under"):
        writer.take(Block("house.csv", [7, 8], []), Scored([], [], [], [], posted))


class _Lines:
    def write(self, line: str) -> None:
        pass
