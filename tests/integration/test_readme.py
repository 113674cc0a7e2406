"""The example in README runs as written."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from pyarrow import csv

from models.flight_delay.events import events_table
from tests.terminal import new_terminal

ROOT = Path(__file__).resolve().parents[2]


def test_readme_trains_and_replays_as_written(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text()
    blocks = re.findall(r"```python\n# (\w+\.py)\n(.*?)```", text, re.DOTALL)
    for name, code in blocks:
        (tmp_path / name).write_text(code)
    assert [name for name, _ in blocks] == ["features.py", "train.py"]
    events = events_table([1])
    csv.write_csv(events[:20_000], tmp_path / "past.csv")
    csv.write_csv(events[20_000:30_000], tmp_path / "live.csv")
    run: dict[str, Any] = {"cwd": tmp_path, "check": True, "capture_output": True, "text": True}
    environment = new_terminal(tmp_path)
    subprocess.run([sys.executable, "train.py"], env=environment, **run)
    (command,) = re.findall(r"^makiserve (.* --replay .*)$", text, re.MULTILINE)
    shown = subprocess.run([sys.executable, "-m", "makiserve", *command.split()], env=environment, **run).stdout
    errors = re.search(r"^rmse +([\d.]+) +([\d.]+) +([\d.]+)$", shown, re.MULTILINE)
    assert errors, shown
    model, *baselines = map(float, errors.groups())
    assert model < 0.6 * min(baselines)
    predictions = re.search(r"predictions +([\d,]+) → predictions.csv", shown)
    assert predictions, shown
    written = (tmp_path / "predictions.csv").read_text().splitlines()
    assert len(written) == 1 + int(predictions[1].replace(",", "")) > 1000
