"""One record of a replay, followed."""

from __future__ import annotations

from pathlib import Path

import pytest

from makiserve.artifact import PackagedModel
from makiserve.cli.replay import print_trace
from makiserve.errors import ConfigurationError
from makiserve.offline.record_trace import RecordTrace, trace_record
from makiserve.offline.sources import sources_from


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "house.csv"
    rows = [(n, "ab"[n % 2], n) for n in range(8)] + [(8, "a", -1), (9, "b", "?"), (10, "a", 13), (11, "a", 5)]
    path.write_text("time,house,power [kW]\n" + "".join(f"{t},{house},{power}\n" for t, house, power in rows))
    return path


def traced(model: PackagedModel, source: Path, which: str, lane_by: str | None = None) -> RecordTrace:
    return trace_record(model, model.plan, sources_from(source), which, lane_by=lane_by)


def test_a_record_is_followed_with_the_state_of_those_before(
    model: PackagedModel, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record_trace = traced(model, source, "5")
    assert record_trace.published == [b'{"prediction":8.0}']
    assert record_trace.followed
    assert [output.mean for output in record_trace.followed.outputs] == [4.0]
    print_trace(record_trace)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "house.csv@5"
    assert lines[1] == "record  Reading(time=5, house='b', power=5.0)"
    assert lines[2] == "  map  ← Reading(time=5, house='b', power=5.0)"
    assert "  → Features(time=5, power=5.0, mean=4.0)" in lines
    assert any(line.strip().startswith("state ") for line in lines)
    assert lines[-2:] == ["model   8.0", 'output  {"prediction":8.0}']


def test_a_field_makes_the_lane_and_its_value_is_a_key(model: PackagedModel, source: Path) -> None:
    assert traced(model, source, "b", lane_by="house").offset == 1
    record_trace = traced(model, source, "house.csv@5", lane_by="house")
    assert (record_trace.lane, record_trace.published) == ("b", [b'{"prediction":6.0}'])  # of 1, 3 and 5


@pytest.mark.parametrize(("offset", "reason"), [("8", "operator"), ("9", "decode"), ("10", "predict")])
def test_trace_of_a_dead_letter_has_its_reason(
    model: PackagedModel, source: Path, offset: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    record_trace = traced(model, source, offset)
    assert record_trace.error
    assert record_trace.error.reason == reason
    assert record_trace.published == []
    print_trace(record_trace)
    assert f"dead letter ({reason})" in capsys.readouterr().out


def test_missing_record_is_reported(model: PackagedModel, source: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"--trace 99: no such record.*the sources are house.csv"):
        traced(model, source, "99")
    with pytest.raises(ConfigurationError, match="no such record"):
        traced(model, source, "c", lane_by="house")
