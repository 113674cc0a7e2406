"""The file of outputs holds what a service would publish."""

from __future__ import annotations

import gzip
import io
import json
import resource
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet

import makiserve
from makiserve.artifact import PackagedModel
from makiserve.errors import ConfigurationError, SourceError
from makiserve.offline.output import output_file
from makiserve.offline.output.parquet_writer import ParquetWriter
from makiserve.offline.sinks import Collected
from makiserve.offline.sources import Block
from makiserve.scoring import Outputs, Posted, Scored
from tests.unit.offline.powers import Features, Reading
from tests.unit.offline.test_replay import write


def lines(model: PackagedModel, tmp_path: Path, *powers: float, emit: tuple[str, ...] = ()) -> list[str]:
    output = tmp_path / "out.csv"
    makiserve.replay(model, write(tmp_path / "house.csv", list(powers)), output=output, emit=emit)
    return output.read_text().splitlines()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([np.datetime64("NaT"), np.True_], [None, "true"]),  # Arrow ends the process at these two
        ([np.datetime64("2020-01-01T00:00:00"), None], [datetime(2020, 1, 1), None]),  # noqa: DTZ001
        ([2**70, 1], [str(2**70), "1"]),
    ],
)
def test_values_without_an_arrow_type_in_common_are_json_in_parquet(values: list[Any], expected: list[Any]) -> None:
    file = io.BytesIO()
    writer = ParquetWriter(file, ["offset"], Outputs(Reading, (), has_model=True, has_post=False))
    writer.write({"offset": [0, 1]}, [{"value": value} for value in values])
    writer.close()
    assert parquet.read_table(file)["value"].to_pylist() == expected


def test_each_field_of_a_part_is_a_column(model: PackagedModel, tmp_path: Path) -> None:
    assert lines(model, tmp_path, 1, 2, 3, emit=("prediction", "features", "record.power [kW]")) == [
        "source,offset,prediction,features.time,features.power,features.mean,record.power [kW]",
        "house.csv,2,4.0,2,3.0,2.0,3.0",
    ]


def test_outputs_are_those_of_the_post_pipeline(alarmed: PackagedModel, tmp_path: Path) -> None:
    assert lines(alarmed, tmp_path, 1, 2, 3, 4, 5) == [
        "source,offset,time,over",
        "house.csv,3,3,1.0",
        "house.csv,4,4,3.0",
    ]


def test_published_outputs_are_counted(alarmed: PackagedModel, tmp_path: Path) -> None:
    assert makiserve.replay(alarmed, write(tmp_path / "house.csv", [1, 2, 3, 4, 5])).written == 2


def test_a_file_without_outputs_has_titles(model: PackagedModel, alarmed: PackagedModel, tmp_path: Path) -> None:
    assert lines(model, tmp_path, 1) == ["source,offset,prediction"]
    assert lines(alarmed, tmp_path, 1) == ["source,offset"]


class Clashing(NamedTuple):
    source: str
    offset: int
    key: int
    over: float


def mixed(path: Path, *items: Any) -> None:
    """Write outputs, a block for each."""
    form = Outputs(Reading, Features._fields, has_model=True, has_post=True)
    with output_file(path, form, is_keyed=False) as file:
        assert file
        for offset, item in enumerate(items):
            file.take(Block("a", [offset], []), Scored([], [], [], [], Posted([0], [item])))


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_outputs_of_several_forms_do_not_fit_a_table(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"out{ending}"
    with pytest.raises(SourceError, match=r"different fields, first .*over, then .*under.*Write JSON lines"):
        mixed(path, {"over": 1}, {"under": 1})
    assert list(tmp_path.iterdir()) == []


def test_outputs_of_several_forms_fit_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    mixed(path, {"over": 1}, {"under": [2.5, None]})
    assert path.read_text().splitlines() == [
        '{"source":"a","offset":0,"over":1}',
        '{"source":"a","offset":1,"under":[2.5,null]}',
    ]


@pytest.mark.parametrize(
    "item", [{"source": "s", "offset": 7, "key": 2**70, "over": 1.5}, Clashing("s", 7, 2**70, 1.5)]
)
@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
def test_a_field_with_the_name_of_a_position_column_has_a_prefix(tmp_path: Path, ending: str, item: Any) -> None:
    path = tmp_path / f"out.{ending}"
    mixed(path, item)
    (output,) = READ[ending](path)
    assert {name: str(value) for name, value in output.items()} == {
        "source": "a",
        "offset": "0",
        "output.source": "s",
        "output.offset": "7",
        "output.key": str(2**70),
        "over": "1.5",
    }


def test_a_field_with_the_name_of_a_column_of_the_frame_has_a_prefix() -> None:
    form = Outputs(Reading, Features._fields, has_model=True, has_post=True)
    scored = Scored([], [], [], [], Posted([0], [{"source": "s", "label": 2.0}]))
    collected = Collected(form, label="power")
    collected.take(Block("a", [3], [Reading(1, "x", 4.5)]), scored)
    assert collected.frame().to_dict("records") == [
        {"source": "a", "offset": 3, "output.source": "s", "output.label": 2.0, "label": 4.5}
    ]


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
def test_two_fields_with_the_same_column_are_refused(tmp_path: Path, ending: str) -> None:
    with pytest.raises(SourceError, match=r"two fields of the outputs have the same column, output\.source"):
        mixed(tmp_path / f"out.{ending}", {"source": 1, "output.source": 2})


def test_a_type_that_widens_later_is_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("makiserve.offline.output.parquet_writer.GROUP_ROWS", 1)
    path = tmp_path / "out.parquet"
    mixed(path, {"over": None, "who": None}, {"over": 1, "who": ["a"]}, {"over": 1.5, "who": []})
    written = parquet.read_table(path)
    assert written.to_pydict() == {
        "source": ["a"] * 3,
        "offset": [0, 1, 2],
        "over": [None, 1, 1.5],
        "who": [None, ["a"], []],
    }
    with pytest.raises(SourceError, match=r"no common type.*Write JSON lines"):
        mixed(path, {"over": 1}, {"over": "much"})
    assert parquet.read_table(path).equals(written)


def test_every_format_of_a_file_holds_the_same(model: PackagedModel, tmp_path: Path) -> None:
    source = write(tmp_path / "house.csv", [1, 2.5, 1e-7, 13, -1, 4])
    emit = ("prediction", "features", "record.power [kW]")
    tables = []
    for ending in ("csv", "parquet", "jsonl"):
        output = tmp_path / f"out.{ending}"
        replayed = makiserve.replay(model, source, output=output, emit=emit, lane_by="house")
        tables.append(READ[ending](output))
    assert tables[0] == tables[1] == tables[2] == replayed.frame.to_dict("records")
    assert [row["offset"] for row in tables[0]] == [2, 5]
    assert {row["key"] for row in tables[0]} == {"a"}


def flattened(line: str) -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in json.loads(line).items():
        flat |= (
            {f"{name}.{inner}": inner_value for inner, inner_value in value.items()}
            if type(value) is dict
            else {name: value}
        )
    return flat


READ: dict[str, Callable[[Path], list[Any]]] = {
    "csv": lambda path: pd.read_csv(path).to_dict("records"),
    "parquet": lambda path: parquet.read_table(path).to_pylist(),
    "jsonl": lambda path: [flattened(line) for line in path.read_text().splitlines()],
}


def test_a_name_of_no_format_is_refused_before_anything_is_read(model: PackagedModel, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"out\.xlsx: .* must end in \.csv, \.parquet"):
        makiserve.replay(model, tmp_path / "none.csv", output=tmp_path / "out.xlsx")


def test_a_replay_that_fails_leaves_the_file_of_the_last_one(model: PackagedModel, tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    output.write_text("of the last replay")
    (tmp_path / "bad.jsonl.gz").write_bytes(gzip.compress(b'{"time": 1}\n' * 1000)[:-4])
    with pytest.raises(SourceError, match="damaged or incomplete"):
        makiserve.replay(model, tmp_path / "bad.jsonl.gz", output=output)
    assert output.read_text() == "of the last replay"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["bad.jsonl.gz", "out.csv"]


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".jsonl"])
def test_full_disk_is_reported_and_leaves_no_file(model: PackagedModel, tmp_path: Path, ending: str) -> None:
    source = write(tmp_path / "house.csv", [n / 7 for n in range(20_000)])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))  # as a full disk, a write that fails
    try:
        with pytest.raises(SourceError, match="File too large; nothing was written"):
            makiserve.replay(model, source, output=tmp_path / f"out{ending}", collect=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == [source]
