"""A contestant as a process: its command, its environment, its CPU time."""

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
STOP_TIMEOUT_S = 60

MAKISERVE, TWO_WORKERS, BY_HAND = "makiserve", "makiserve --workers 2", "by hand"
QUIX_STREAMS, FAUST = "Quix Streams", "Faust"
PEERS = {QUIX_STREAMS: ("quix", "quixstreams==3.28.1"), FAUST: ("faust", "faust-streaming==0.15.3")}
"""The module of each in this package, also the name of its environment, and its requirement."""

ESTIMATOR_PACKAGES = ("scikit-learn", "joblib", "numpy")
"""Packages of the estimator, installed in the versions of this environment."""


def command(contestant: str, job: Job, servers: str, source: str, target: str, folder: Path) -> list[str]:
    """Return the command of a contestant that serves until SIGTERM."""
    if contestant in (MAKISERVE, TWO_WORKERS):
        program = [sys.executable, "-m", "makiserve", "--model", str(job.model), "--bootstrap-servers", servers]
        workers = ["--workers", "2"] if contestant == TWO_WORKERS else []
        return [*program, "--input", source, "--output", target, "--http", "127.0.0.1:0", *workers]
    arguments = [job.name, str(job.estimator), servers, source, target]
    if contestant == BY_HAND:
        return [sys.executable, "-m", "benchmarks.serving.loop", *arguments]
    return [
        str(python_of(contestant)),
        "-m",
        f"benchmarks.serving.{PEERS[contestant][0]}",
        *arguments,
        str(folder / target),
    ]


def python_of(peer: str) -> Path:
    """Return the interpreter of a peer's environment, which the first call creates with the same scikit-learn."""
    folder, requirement = PEERS[peer]
    environment = ROOT / ".cache" / folder
    python = environment / "bin" / "python"
    if not (environment / "done").exists():
        venv.create(environment, clear=True, with_pip=True)
        pinned = [f"{name}=={version(name)}" for name in ESTIMATOR_PACKAGES]
        subprocess.run([python, "-m", "pip", "install", "--quiet", requirement, *pinned], check=True)
        (environment / "done").touch()
    return python


class Process:
    """A run of a contestant. Leaving the context stops the process."""

    def __init__(self, command: list[str], log: Path) -> None:
        self._command, self.log = command, log

    def __enter__(self) -> Process:
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(self._command, cwd=ROOT, stdout=log, stderr=log)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def check(self) -> None:
        """Raise RuntimeError with the end of the log if the process has exited."""
        if self._process.poll() is not None:
            raise RuntimeError(f"the process exited: {' '.join(self._command)}\n{self.log.read_text()[-3000:]}")

    def cpu_s(self) -> float:
        """Return the CPU seconds so far of the process and its children."""
        return _cpu_s(self._process.pid)


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return (int(fields[11]) + int(fields[12])) / TICKS + sum(map(_cpu_s, map(int, children)))
