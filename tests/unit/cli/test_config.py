"""`makiserve config`: what is in effect, as a file that would give it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from makiserve.cli.main import command
from makiserve.settings import SECTIONS, ModelSettings, Settings, given_by_file, options


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)


def run(*arguments: str) -> str:
    return CliRunner().invoke(command, ["config", *arguments], catch_exceptions=False).stdout


def test_every_value_is_shown_with_where_it_came_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "makiserve.toml").write_text('[serve]\ninput = "house"\n[kafka]\nlinger.ms = 9\n')
    monkeypatch.setenv("MAKISERVE_OUTPUT", "out")
    lines = run("--max-batch", "7", "--kafka", "sasl.password=hush").splitlines()
    assert {
        "# model is not set",
        'input = "house"  # makiserve.toml',
        'output = "out"  # MAKISERVE_OUTPUT',
        "max-batch = 7  # --max-batch",
        'commit-interval = "100ms"  # default',
        'group = "makiserve.out"  # default',
        '"linger.ms" = "9"  # makiserve.toml',
        '"sasl.password" = "••••"  # --kafka',
    } <= set(lines)


def test_shown_configuration_gives_the_same_settings(tmp_path: Path) -> None:
    flags = [
        "--model",
        'models:/a"b',
        "--output",
        "out",
        "--kafka",
        "log_level=3",
        "--startup-timeout",
        "2h",
        "--emit",
        "x",
    ]
    (tmp_path / "again.toml").write_text(run(*flags))
    (tmp_path / "defaults.toml").write_text(run())
    known = [option for section in SECTIONS for option in options(section)]
    again = Settings(SECTIONS, given_by_file(known, tmp_path / "again.toml"))
    defaults, nothing = Settings(SECTIONS, given_by_file(known, tmp_path / "defaults.toml")), Settings(SECTIONS)
    for option in known:
        assert defaults.value(option).value == nothing.value(option).value, option.key
    assert again.of(ModelSettings).model == 'models:/a"b'
    assert again.of(ModelSettings).emit == ("x",)
    assert {"log_level": "3"} in [again.value(option).value for option in known]
    assert timedelta(hours=2) in [again.value(option).value for option in known]
