"""README's code runs as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from models.electricity.data import write_house

ROOT = Path(__file__).resolve().parents[2]


def test_the_readme_trains_and_replays_as_written(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n# (\w+\.py)\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    for name, code in blocks:
        (tmp_path / name).write_text(code)
    assert [name for name, _ in blocks] == ["features.py", "train.py"]
    write_house(tmp_path / "house.csv", rows=3000, seed=7)
    run = {"cwd": tmp_path, "check": True, "capture_output": True, "text": True}
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "train.py"], env=environment, **run)
    command = "--model models:/house@champion --replay house.csv --label house_overall --output predictions.csv"
    shown = subprocess.run([sys.executable, "-m", "makiserve", *command.split()], env=environment, **run)
    assert "predictions   45 → predictions.csv" in shown.stdout
    assert len((tmp_path / "predictions.csv").read_text().splitlines()) == 46
