"""A Delta table with deletion vectors, written by Spark: makiserve reads each of its versions as Spark does."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pyspark
import pytest

from makiserve.testing.broker import CannotInstall
from makiserve.testing.broker.jars import cache, run

POM = Path(__file__).parent / "delta" / "pom.xml"


@pytest.fixture(scope="module")
def jars() -> str:
    """The jars of Delta Lake, from Maven Central. If that cannot be reached, skip the test, or fail in CI."""
    version = ".".join(pyspark.__version__.split(".")[:2])
    home = cache().parent / "delta" / version
    home.mkdir(parents=True, exist_ok=True)
    try:
        with (home / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            goal = ("dependency:copy-dependencies", "-DincludeGroupIds=io.delta", f"-DoutputDirectory={home}")
            run("mvn", "-B", "-q", "-f", str(POM), f"-Dspark.version={version}", *goal)
    except CannotInstall as reason:
        if os.environ.get("CI"):
            pytest.fail(str(reason), pytrace=False)
        pytest.skip(str(reason))
    return ",".join(map(str, sorted(home.glob("*.jar"))))


@pytest.mark.timeout(1000)  # more than that of the process
def test_delta_deletion_vectors_of_spark_are_read_as_spark_reads_them(jars: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.spark.delta.script", jars, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    log = [json.loads(line) for path in (tmp_path / "lake" / "_delta_log").glob("*.json") for line in path.open()]
    assert sum(1 for entry in log if (entry.get("add") or {}).get("deletionVector")) >= 4
    counts = json.loads(done.stdout)
    assert counts[0] == 0
    assert len(set(counts[1:])) >= 3  # the changes are visible
