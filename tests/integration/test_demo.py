"""`make demo`, as the README's first command runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_demo_serves_what_it_replays() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "KAFKA_BOOTSTRAP_SERVERS"}
    command = [sys.executable, "-m", "examples.demo"]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=280)
    assert run.returncode == 0, run.stdout + run.stderr
    assert re.search(r"(\S+) predictions served, \1 equal to the replay, 0 different", run.stdout), run.stdout
    errors = {name: float(rmse) for name, rmse in re.findall(r"(\w[\w ]+?) +rmse +([\d.]+) minutes", run.stdout)}
    assert errors.pop("the model") < 0.6 * min(errors.values())
    assert "status page: http://127.0.0.1:" in run.stdout
    assert (ROOT / ".cache" / "demo" / "report.html").read_text().startswith("<!")
