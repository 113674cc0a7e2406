"""The replay command with real pipes: standard input, an interrupt, output to a terminal."""

from __future__ import annotations

import gzip
import signal
import subprocess
import sys
from pathlib import Path

from pyarrow import parquet

from tests.integration.serving.service import START_S, wait_until

ROOT = Path(__file__).parents[2]
HEADER = b"time,house,power [kW]\n"
COMMAND = [sys.executable, "-m", "makiserve", "--features", "tests.unit.offline.powers:pipeline"]


def test_replay_of_standard_input_prints_nothing(tmp_path: Path) -> None:
    rows = b"".join(b"%d,a,%d\n" % (n, n) for n in range(100))
    output = tmp_path / "out.parquet"
    done = subprocess.run(
        [*COMMAND, "--replay", "-", "--lane-by", "house", "--emit-from", "50", "--output", output],
        input=gzip.compress(HEADER + rows),
        cwd=ROOT,
        capture_output=True,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"rows          50 in" in done.stdout
    written = parquet.read_table(output).to_pylist()
    assert written[0] == {"source": "-", "offset": 50, "key": "a", "time": 50, "power": 50.0, "mean": 49.0}
    assert len(written) == 50


def test_interrupted_replay_leaves_no_output(tmp_path: Path) -> None:
    running = subprocess.Popen(
        [*COMMAND, "--replay", "-", "--output", tmp_path / "out.csv"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    assert running.stdin
    running.stdin.write(HEADER + b"1,a,1\n" * 300_000)  # more than the first look at it takes: it goes on, and waits
    running.stdin.flush()
    part = tmp_path / "out.csv.part"
    wait_until(lambda: part.exists() or running.poll() is not None, lambda: "nothing is written")
    assert part.exists()
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=START_S)
    assert (running.returncode, said.strip()) == (130, b"makiserve: interrupted")
    assert list(tmp_path.iterdir()) == []
