"""Optional fields that the data never have are reported by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest
import rx

import makiserve
import makiserve.stream as rs
from makiserve.artifact.reference.reference import take_sample
from makiserve.records import RecordFile, Schema
from makiserve.records.unseen import UnseenFields
from makiserve.stream.engine.trace import trace


class Reading(makiserve.Record):
    time: int
    wind: float | None = makiserve.field(name="windSpeed", default=None)
    rain: float | None = None
    note: str = ""


class Features(NamedTuple):
    time: int


def features() -> makiserve.Transform:
    return rx.pipe(rs.ops.map(lambda i: Features(i.time)))


ROWS = [{"time": 1, "note": "rain"}, {"time": 2, "windSpeed": 1.5, "note": ""}]
SAID = (
    "no header or record has the optional field 'rain' of Reading, so it keeps its default: compare its name with the "
    'data. field(name="…") declares the name that the data use'
)


@pytest.fixture(params=["a.csv", "a.parquet", "a.jsonl"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    file: Path = tmp_path / request.param
    if file.suffix == ".jsonl":
        file.write_text("\n".join(map(json.dumps, ROWS)).replace('"rain"', '"dry"'))
    elif file.suffix == ".csv":
        pd.DataFrame(ROWS).to_csv(file, index=False)
    else:
        pd.DataFrame(ROWS).to_parquet(file)
    return file


def test_features_frame_reports_it(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    makiserve.features_frame(path, features=features, record=Reading)
    assert caplog.messages == [SAID]


def test_a_field_that_one_of_several_files_has_is_not_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a.csv").write_text("time,windSpeed,note\n1,1,\n")
    (tmp_path / "b.csv").write_text("time,rain,note\n1,1,\n")
    makiserve.features_frame(tmp_path, features=features, record=Reading)
    assert caplog.messages == []


def test_the_reference_of_log_model_reports_it(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    take_sample(trace(features()), Schema(Reading), path)
    assert caplog.messages == [SAID]


def test_records_from_code_report_nothing(caplog: pytest.LogCaptureFixture) -> None:
    makiserve.features_frame([Reading(1)], features=features, record=Reading)
    assert caplog.messages == []


def test_a_name_is_found_in_every_spelling_of_json() -> None:
    class Odd(makiserve.Record):
        rain: float | None = makiserve.field(name="Regen ä", default=None)

    for ensure_ascii in (True, False):
        unseen = UnseenFields(Schema(Odd))
        unseen.see_messages([None, b"{}"])
        assert unseen.names == {"Regen ä"}
        unseen.see_messages([json.dumps({"Regen ä": 1}, ensure_ascii=ensure_ascii).encode()])
        assert unseen.names == set()


def test_na_values_reach_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("time,windSpeed,rain,note\n1,-999,NA,\n")
    frame = makiserve.features_frame(path, features=features, record=Reading, na_values=["-999", "NA"])
    assert frame.attrs["dead_letters"] == 0
    (block,) = RecordFile(path, Schema(Reading, ["-999", "NA"]))
    assert block == [Reading(1)]
