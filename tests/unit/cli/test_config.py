"""`makiserve config`: what is in effect, as a file that would give it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from makiserve.cli.main import command


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


def test_what_is_shown_gives_the_same_again(tmp_path: Path) -> None:
    shown = run("--model", 'models:/a"b', "--output", "out", "--kafka", "log_level=3", "--patience", "2h")
    (tmp_path / "again.toml").write_text(shown)
    again = run("--config", "again.toml")
    assert [line.partition("  #")[0] for line in again.splitlines()] == [
        line.partition("  #")[0] for line in shown.splitlines()
    ]
