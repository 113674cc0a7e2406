"""A process that has imported everything and forks services: one starts in a fraction of a second, sabotaged or not.

It reads one request per line from stdin: `{"arguments": […], "sabotage": […], "log": path}`. For each it forks a child
that runs the command line's `main`, answers with the child's process id, and writes the exit code beside the log.
"""

from __future__ import annotations

import faulthandler
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

REAP_S = 0.02
"""How often ended children are looked for."""

TIMEOUT_S = 600
"""A busy machine may take this long for what an idle one does in five seconds."""


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

    def wait(self, timeout_s: float = TIMEOUT_S) -> int:
        """Wait for its end. Return its exit code."""
        deadline = time.monotonic() + timeout_s
        while self.code is None:
            assert time.monotonic() < deadline, f"it did not end within {timeout_s} s:\n{self.text}"
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
            assert self._process.poll() is None, f"the nursery itself ended with {self._process.returncode}"
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
    """The forked processes. The exit code of each is written beside its log when it has ended.

    Nothing here is a signal handler: a handler for SIGCHLD can interrupt itself, and then two calls wait for one child.
    """

    def __init__(self) -> None:
        self._logs: dict[int, Path] = {}

    def fork(self, log: Path, run: Callable[[], None]) -> int:
        """Run a function in a child with its output in `log`. Return the child's process id."""
        pid = os.fork()
        if pid == 0:
            file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(file, 1)
            os.dup2(file, 2)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            run()
            sys.exit(0)  # never back into the loop of the parent
        self._logs[pid] = log
        return pid

    def reap(self) -> None:
        """Write the exit code of every child that has ended since the last call."""
        for pid, log in list(self._logs.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                del self._logs[pid]
                part = log.with_suffix(".part")
                part.write_text(str(os.waitstatus_to_exitcode(status)))
                part.rename(log.with_suffix(".code"))


def requests(children: Children) -> Iterator[dict[str, Any]]:
    """Yield the requests of stdin until it is closed, and reap children while none comes."""
    received = b""
    while True:
        children.reap()
        if not select.select([0], [], [], REAP_S)[0]:
            continue
        chunk = os.read(0, 65536)
        if not chunk:
            return
        *lines, received = (received + chunk).split(b"\n")
        for line in lines:
            yield json.loads(line)


def main() -> None:
    """Serve requests until stdin is closed."""
    from makiserve.cli.main import main as command
    from tests.chaos import model, sabotage  # noqa: F401

    children = Children()
    for request in requests(children):

        def run(request: dict[str, Any] = request) -> None:
            faulthandler.enable()  # a signal such as SIGSEGV writes where it hit into the log
            sabotage.apply(request["sabotage"])
            sys.argv = ["makiserve", *request["arguments"]]
            command()

        print(children.fork(Path(request["log"]), run), flush=True)  # noqa: T201
    os.killpg(0, signal.SIGKILL)  # the test that asked for these services has ended


if __name__ == "__main__":
    main()
