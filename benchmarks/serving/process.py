"""A contender as a process: its command, the processor's time of all its processes, its end."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from importlib.metadata import version
from pathlib import Path
from types import TracebackType

from benchmarks.serving.jobs import Job

ROOT = Path(__file__).parents[2]
TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE_S = 60

MAKISERVE, TWO, BY_HAND = "makiserve", "makiserve --workers 2", "by hand"
QUIX_STREAMS, FAUST = "Quix Streams", "Faust"
PEERS = {QUIX_STREAMS: ("quix", "quixstreams==3.28.1"), FAUST: ("faust", "faust-streaming==0.15.3")}
"""The module of each here, which names its environment, too, and its package."""

MODEL = ("scikit-learn", "joblib", "numpy")
"""What the estimator takes, in this environment's versions."""


def command(contender: str, job: Job, servers: str, source: str, target: str, folder: Path) -> list[str]:
    """How an operator would start it; it serves until SIGTERM."""
    if contender in (MAKISERVE, TWO):
        words = [sys.executable, "-m", "makiserve", "--model", str(job.model), "--bootstrap-servers", servers]
        workers = ["--workers", "2"] if contender == TWO else []
        return [*words, "--input", source, "--output", target, "--http", "127.0.0.1:0", *workers]
    words = [job.name, str(job.estimator), servers, source, target]
    if contender == BY_HAND:
        return [sys.executable, "-m", "benchmarks.serving.loop", *words]
    return [str(python_of(contender)), "-m", f"benchmarks.serving.{PEERS[contender][0]}", *words, str(folder / target)]


def python_of(peer: str) -> Path:
    """The interpreter of an environment of its own, made at the first call, with this one's scikit-learn."""
    name, package = PEERS[peer]
    environment = ROOT / ".cache" / name
    python = environment / "bin" / "python"
    if not (environment / "done").exists():
        venv.create(environment, clear=True, with_pip=True)
        pinned = [f"{each}=={version(each)}" for each in MODEL]
        subprocess.run([python, "-m", "pip", "install", "--quiet", package, *pinned], check=True)
        (environment / "done").touch()
    return python


class Process:
    """One run; as a context manager it is ended on exit."""

    def __init__(self, words: list[str], log: Path) -> None:
        self._words, self.log = words, log

    def __enter__(self) -> Process:
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(self._words, cwd=ROOT, stdout=log, stderr=log)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def check(self) -> None:
        """Raises RuntimeError, with the end of its log, when it has ended."""
        if self._process.poll() is not None:
            raise RuntimeError(f"it has ended: {' '.join(self._words)}\n{self.log.read_text()[-3000:]}")

    def cpu_s(self) -> float:
        """The seconds of processor time so far, of the process and those that it started."""
        return _cpu_s(self._process.pid)


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return (int(fields[11]) + int(fields[12])) / TICKS + sum(map(_cpu_s, map(int, children)))
