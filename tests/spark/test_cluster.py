"""Separate executors in other folders: what they run must have travelled."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pyspark
import pytest


@pytest.mark.timeout(1000)  # more than that of the process
@pytest.mark.parametrize("master", ["local-cluster[2,1,1024]", "connect"])
def test_code_and_model_travel_to_the_executors(master: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.spark.cluster_script", master, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    shutil.rmtree(Path(pyspark.__file__).parent / "work", ignore_errors=True)  # where local-cluster puts its logs
    assert done.returncode == 0, done.stderr[-4000:]
