"""Every command of the tutorial does what it says, on a real broker."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from tests.integration.serving.service import read

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "tutorial.md").read_text()
SERVE = "makiserve --model models:/house@champion --input"
TOPICS = ["house", "house.predictions", "house.predictions.dead-letters", "makiserve.house.predictions.state"]


@pytest.fixture
def environment(kafka: str, admin: AdminClient, tmp_path: Path) -> Iterator[dict[str, str]]:
    """A terminal in which makiserve is installed."""
    for name, module in (("makiserve", "-m makiserve"), ("python", "")):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {module} "$@"\n')
        program.chmod(0o755)
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    yield os.environ | {"PATH": path, "PYTHONPATH": str(ROOT), "MAKISERVE_BOOTSTRAP_SERVERS": kafka}
    for deleted in admin.delete_topics(TOPICS).values():
        deleted.exception()  # one that the run did not come to is none


def test_the_code_of_the_tutorial_is_that_of_the_model() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    source = (ROOT / "models" / "electricity" / "features.py").read_text()
    assert len(blocks) == 2
    assert [block for block in blocks if block not in source] == []


@pytest.mark.timeout(600)
def test_every_command_of_the_tutorial_runs(environment: dict[str, str], kafka: str, tmp_path: Path) -> None:
    service, shown = None, ""
    try:
        for block in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL):
            if block.startswith(SERVE):
                service = subprocess.Popen(shlex.split(block), cwd=tmp_path, env=environment)
                continue
            done = subprocess.run(["bash", "-ec", block], cwd=tmp_path, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
            shown += done.stdout
            if "models.electricity.produce" in block:
                assert service
                predictions = len((tmp_path / "predictions.csv").read_text().splitlines()) - 1
                read(kafka, "house.predictions", enough=predictions, timeout=180)
        assert service
        service.terminate()
        assert service.wait(60) == 0
    finally:
        if service and service.poll() is None:
            service.kill()
            service.wait()
    assert "house: 20,000 readings sent" in shown
    assert re.search(r"house\[0\] +agrees, offsets 0 to ", shown)
    assert (tmp_path / "report.html").read_text().startswith("<!")
