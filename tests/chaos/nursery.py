"""A process that has imported everything and forks services: one starts in a fraction of a second, sabotaged or not.

It reads a request a line from stdin, `{"arguments": […], "sabotage": […], "log": path}`, forks a child that runs the
command line's `main`, answers with its process, and writes its exit code beside its log.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class Life:
    """One run of the command, from the fork to its end."""

    def __init__(self, log: Path, pid: int) -> None:
        self.log = log
        self._pid = pid

    @property
    def code(self) -> int | None:
        """Its exit code, negative where a signal ended it; None while it runs."""
        code = self.log.with_suffix(".code")
        return int(code.read_text()) if code.exists() else None

    def wait(self, patience: float = 60) -> int:
        """Its exit code, when it has ended."""
        deadline = time.monotonic() + patience
        while self.code is None:
            assert time.monotonic() < deadline, f"it does not end:\n{self.text}"
            time.sleep(0.02)
        return int(self.code)

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; its exit code."""
        if self.code is None:
            os.kill(self._pid, how)
        return self.wait()

    @property
    def text(self) -> str:
        """What it has written."""
        return self.log.read_text(errors="replace")


class Nursery:
    """The process, seen from the test. As a context manager it ends with the block, and its children with it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._count = 0
        self._lock = threading.Lock()  # partitions are replayed at once

    def start(self, arguments: list[str], sabotage: list[str] | None = None) -> Life:
        """Run the command with these arguments."""
        assert self._process.stdin
        assert self._process.stdout
        with self._lock:
            self._count += 1
            log = self._directory / f"life-{self._count}.log"
            log.touch()
            request = {"arguments": arguments, "sabotage": sabotage or [], "log": str(log)}
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            return Life(log, int(self._process.stdout.readline()))

    def call(self, arguments: list[str], directory: Path) -> str:
        """Run the command to its end; what it has written."""
        life = self.start(arguments)
        assert life.wait() == 0, life.text
        return life.text

    def __enter__(self) -> Nursery:
        command = [sys.executable, "-m", "tests.chaos.nursery"]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()


class Children:
    """What the nursery has forked; the exit code of each is written when it ends."""

    def __init__(self) -> None:
        self._logs: dict[int, Path] = {}
        signal.signal(signal.SIGCHLD, self._reap)

    def fork(self, log: Path, run: Callable[[], None]) -> int:
        """Run this in a child, its output in `log`; the child's process."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
            file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(file, 1)
            os.dup2(file, 2)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            run()
        self._logs[pid] = log
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        return pid

    def _reap(self, number: int, frame: object) -> None:
        for pid in list(self._logs):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                log = self._logs.pop(pid)
                part = log.with_suffix(".part")
                part.write_text(str(os.waitstatus_to_exitcode(status)))
                part.rename(log.with_suffix(".code"))


def main() -> None:
    """Serve requests until stdin is closed."""
    from makiserve.cli.main import main as command
    from tests.chaos import model, sabotage  # noqa: F401

    children = Children()
    for line in sys.stdin:
        request = json.loads(line)

        def run(request: dict[str, Any] = request) -> None:
            sabotage.apply(request["sabotage"])
            sys.argv = ["makiserve", *request["arguments"]]
            command()

        print(children.fork(Path(request["log"]), run), flush=True)  # noqa: T201
    os.killpg(0, signal.SIGKILL)  # whoever asked for these lives is gone


if __name__ == "__main__":
    main()
