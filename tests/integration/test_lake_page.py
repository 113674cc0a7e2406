"""Every file and command of the page about lake tables runs, except those on a broker."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import yaml

from tests.terminal import new_terminal

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "how-to" / "lake.md").read_text()


def test_every_command_of_the_page_runs(tmp_path: Path) -> None:
    for name, code in re.findall(r"```python\n# (\w+\.py)\n(.*?)```", PAGE, re.DOTALL):
        (tmp_path / name).write_text(code)
    environment = new_terminal(tmp_path)
    shown = ""
    for block in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL):
        done = subprocess.run(
            ["sh", "-ec", block], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        shown += done.stdout
    assert re.search(r"trained on 4\d,\d{3} of \d\d,\d{3} rows of delta:flights@0", shown)
    errors = re.search(r"^rmse +([\d.]+) +([\d.]+) +([\d.]+)$", shown, re.MULTILINE)
    assert errors
    model, *baselines = map(float, errors.groups())
    assert model < 0.5 * min(baselines)
    assert "flights/@0" in (tmp_path / "report.html").read_text()
    (mlmodel,) = tmp_path.rglob("MLmodel")
    flavor = yaml.safe_load(mlmodel.read_text())["flavors"]["makiserve"]
    assert (flavor["reference_table"], flavor["training_sources"]) == ("delta:flights@0", ["delta:flights@0"])
