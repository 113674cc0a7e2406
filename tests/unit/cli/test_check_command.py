"""`makiserve check` on the command line: a line each, and the exit code of the first failure."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from makiserve.cli import check as module
from makiserve.cli.main import command
from makiserve.errors import ConfigurationError
from makiserve.serving.preflight import CheckResult

NEEDED = ["--model", "m", "--input", "in", "--output", "out", "--bootstrap-servers", "b"]
LINES = [
    CheckResult("passed", "model", "gives its outputs"),
    CheckResult("warned", "output", "2 partitions", "one [replica]"),
    CheckResult("failed", "state", "it is\nnot ours", exit_code=5),
    CheckResult("skipped", "keys", "needs state"),
    CheckResult("failed", "group", "denied", exit_code=2),
]


def test_check_prints_a_line_each_and_exits_with_first_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "run", lambda checks, facts: iter(LINES))
    done = CliRunner().invoke(command, ["check", *NEEDED], standalone_mode=False)
    assert done.return_value == 5
    assert done.stdout.splitlines() == [
        "passed    model         gives its outputs",
        "warned    output        2 partitions",
        "                        → one [replica]",
        "failed    state         it is",
        "not ours",
        "skipped   keys          needs state",
        "failed    group         denied",
    ]


def test_check_without_required_options_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="to check a service, give --input, --output, --bootstrap-servers"):
        CliRunner(env={"KAFKA_BOOTSTRAP_SERVERS": None}).invoke(
            command, ["check", "--model", "m"], catch_exceptions=False
        )
