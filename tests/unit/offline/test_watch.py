"""Metrics and a report of a replay."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

import makiserve
from makiserve.artifact import PackagedModel
from makiserve.errors import ConfigurationError, SourceError


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "house.csv"
    rows = [f"{1_700_000_000 + 60 * n},{'ab'[n % 2]},{n % 5}" for n in range(40)]
    path.write_text("time,house,power [kW]\n" + "\n".join([*rows, "1700009999,a,-1", "1700009999,<b>,13", "now,a,1"]))
    return path


def test_a_label_may_be_ahead_and_groups_are_measured_apart(model: PackagedModel, source: Path) -> None:
    metrics = makiserve.replay(model, source, label="power [kW]", label_ahead=2, by=["house"]).metrics
    assert metrics
    assert metrics.rows == 38
    assert [(group.value, group.rows) for group in metrics.groups] == [("a", 19), ("b", 19)]
    assert set(metrics.baselines) == {"mean", "last value"}


def test_report_names_the_model_and_the_sources(model: PackagedModel, source: Path) -> None:
    report = makiserve.replay(model, source, label="power", report=True).report
    assert report
    assert (report.title, report.subtitle) == ("powers, version 3", "on house.csv, 43 records")
    assert (report.records, report.outputs, report.reasons) == (43, 38, {"operator": 1, "predict": 1, "decode": 1})
    (origin,) = report.origins
    assert (origin.records, origin.digest) == (43, hashlib.sha256(source.read_bytes()).hexdigest())
    assert origin.digest in report.facts["data: house.csv"]
    assert [(example.offset, example.reason, example.record) for example in report.examples] == [
        (40, "operator", '{"time":1700009999,"house":"a","power [kW]":-1.0}'),
        (41, "predict", '{"time":1700009999,"house":"<b>","power [kW]":13.0}'),
        (42, "decode", None),
    ]
    assert list(report.features) == ["time", "power", "mean"]
    assert len(report.features["mean"]) == 38
    assert sorted(report.training["town"].categories or []) == ["a", "b"]
    trained = report.training["power"]
    assert (trained.least, trained.largest) == (0, 4)
    assert report.measured
    assert report.measured.at.is_time


def test_a_report_is_written_whole_or_not_at_all(model: PackagedModel, source: Path, tmp_path: Path) -> None:
    report = makiserve.replay(model, source, report=True).report
    assert report
    report.write(tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text().endswith("</html>")
    with pytest.raises(SourceError, match="No such file"):
        report.write(tmp_path / "nowhere" / "report.html")


@pytest.mark.parametrize("asked", [{"label": "watt"}, {"label": "power", "by": ["street"]}])
def test_a_field_that_is_not_there_is_refused_before_anything_is_read(model: PackagedModel, asked: dict) -> None:
    with pytest.raises(
        ConfigurationError, match=r"(watt|street)': not a field of Reading; its fields are time, house, power"
    ):
        makiserve.replay(model, "nowhere.csv", **asked)
