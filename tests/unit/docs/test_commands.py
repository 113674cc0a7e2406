"""`make test` and CI run every test; only `make unit` leaves out the slow ones."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
OTHER_TARGETS = {"tests/image", "tests/spark"}
"""What `make image` and `make spark` run: they need an image builder and a Spark."""

OF_MAKE = {"MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "SLOW"}
"""What a make that runs these tests would pass on."""


def pytest_runs(target: str, *variables: str) -> dict[str, str | None]:
    """Return the folders that a target tests, each with the expression that selects tests, if there is one."""
    environment = {name: value for name, value in os.environ.items() if name not in OF_MAKE}
    command = ["make", "--dry-run", "--no-print-directory", target, *variables]
    printed = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    runs: dict[str, str | None] = {}
    for words in map(shlex.split, printed.splitlines()):
        if "pytest" in words:
            arguments = words[words.index("pytest") + 1 :]
            expression = arguments[arguments.index("-m") + 1] if "-m" in arguments else None
            runs |= dict.fromkeys((word for word in arguments if word.startswith("tests/")), expression)
    return runs


def test_make_test_runs_every_folder_of_tests() -> None:
    folders = {f"tests/{path.relative_to(ROOT / 'tests').parts[0]}" for path in ROOT.glob("tests/*/**/test_*.py")}
    runs = pytest_runs("test")
    assert runs.keys() == folders - OTHER_TARGETS
    assert runs["tests/unit"] is None
    assert {runs["tests/integration"], runs["tests/chaos"]} == {"not sweep"}


def test_make_unit_leaves_out_the_slow_tests_only() -> None:
    assert pytest_runs("unit") == {"tests/unit": "not slow"}
    assert pytest_runs("unit", "SLOW=1") == {"tests/unit": None}
    assert set(pytest_runs("coverage").values()) == {None}


@pytest.mark.parametrize("target", ["setup", "demo", "spark"])
def test_installation_first_prints_that_it_takes_minutes(target: str) -> None:
    command = ["make", "--dry-run", "--always-make", "--no-print-directory", target]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    venv = next(index for index, line in enumerate(printed) if " -m venv " in line)
    assert "This takes some minutes." in printed[venv - 1]


def test_ci_runs_every_test() -> None:
    assert {"make test", "make spark"} <= set((ROOT / ".ci/run").read_text().splitlines())
    workflow = (ROOT / ".github/workflows/ci.yml").read_text()
    assert "run: make unit SLOW=1\n" in workflow
    assert "run: .ci/run\n" in workflow
