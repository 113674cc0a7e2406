"""The requirements of a replay, and the comparison with expected outputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from makiserve.artifact import PackagedModel
from makiserve.errors import ConfigurationError, SourceError
from makiserve.offline.sources import sources_named
from makiserve.offline.validate import Validation, validate
from makiserve.settings import ReplaySettings


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "house.csv"
    path.write_text("time,house,power [kW]\n" + "".join(f"{n},a,{n % 5}\n" for n in range(40)) + "40,a,-1\n")
    return path


def validated(model: PackagedModel, source: Path, **settings: Any) -> Validation:
    asked = ReplaySettings(source=(str(source),), **settings)
    return validate(model, asked, sources_named(asked, None))


def test_a_replay_of_which_nothing_is_required_passes(model: PackagedModel, source: Path) -> None:
    validation = validated(model, source)
    assert validation.passed
    assert validation.replayed.report is None


def test_each_requirement_has_a_verdict(model: PackagedModel, source: Path) -> None:
    validation = validated(model, source, label="power", require=("rmse<9", "mae<0.001", "dead_letters<=1"))
    assert [verdict.is_met for verdict in validation.verdicts] == [True, False, True]
    assert str(validation.verdicts[1]).startswith("failed: mae<0.001 (actual value ")
    assert not validation.passed


def test_expected_outputs_are_compared_with_the_written_ones(
    model: PackagedModel, source: Path, tmp_path: Path
) -> None:
    then, now = tmp_path / "then.csv", tmp_path / "now.csv"
    validated(model, source, output=then)
    again = validated(model, source, output=now, expect=then, tolerance=0)
    assert again.passed
    assert again.differences
    assert (again.differences.matched, again.differences.against) == (38, str(then))
    assert now.read_bytes() == then.read_bytes()

    lines = then.read_text().splitlines()
    then.write_text("\n".join([*lines[:5], "house.csv,6,7.25", *lines[6:], "house.csv,99,1.0"]))
    changed = validated(model, source, expect=then)
    assert not changed.passed
    assert changed.differences
    assert [(mismatch.offset, mismatch.expected) for mismatch in changed.differences.first] == [
        (6, {"prediction": 7.25}),
        (99, {"prediction": 1.0}),
    ]


def test_the_report_shows_verdicts_and_differences(model: PackagedModel, source: Path, tmp_path: Path) -> None:
    then, page = tmp_path / "then.csv", tmp_path / "report.html"
    then.write_text("source,offset,prediction\nhouse.csv,2,1.0\n")
    validated(model, source, label="power", require=("rmse<0.001",), expect=then, report=page)
    text = page.read_text()
    assert "2 failed" in text
    assert "required &lt; 0.001" in text
    assert "37 unexpected" in text


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"require": ("rmse<1",)}, "measuring rmse needs a --label"),
        ({"require": ("rsme<1",), "label": "power"}, "unknown metric; available: accuracy, auc, bias"),
        ({"require": ("auc>1",), "label": "power"}, "unknown metric auc; available: rmse"),
        ({"expect": Path("then.csv"), "baseline": "models:/house/1"}, "give one of them"),
    ],
)
def test_conflicting_options_are_refused(
    model: PackagedModel, source: Path, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        validated(model, source, **settings)


def test_expected_file_that_cannot_be_read_is_reported(model: PackagedModel, source: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"gone.csv: not readable as the outputs of a replay"):
        validated(model, source, expect=tmp_path / "gone.csv")
