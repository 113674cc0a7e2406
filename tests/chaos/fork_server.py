"""A process that has imported everything and forks services, which start in a fraction of a second.

It reads one request per line from stdin: `{"arguments": […], "sabotage": […], "environment": {…}, "directory": path,
"log": path, "code": path}`. For each it forks a child that runs the command line's `main`, answers with the child's
process id, and writes the child's exit code to a file.
"""

from __future__ import annotations

import faulthandler
import gc
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.chaos.service_process import ServiceProcess

ROOT = Path(__file__).resolve().parents[2]

IMPORTED = (
    *("makiserve.artifact.loader", "makiserve.cli.main", "makiserve.cli.replay", "makiserve.cli.serve"),
    *("mlflow.sklearn", "mlflow.store.model_registry.sqlalchemy_store", "mlflow.store.tracking.sqlalchemy_store"),
    *("skops.io", "tests.chaos.model", "tests.chaos.sabotage"),
)

REAP_S = 0.02
"""Interval at which the exit codes of ended children are collected."""


class ForkServer:
    """The client of the process that forks. The process and its children end with the context.

    Args:
        directory: for logs and exit codes.
        environment: variables for the process and its children, in addition to those of this process.
    """

    def __init__(self, directory: Path, environment: Mapping[str, str] | None = None) -> None:
        self._directory = directory
        self._environment = environment or {}
        self._count = 0
        self._lock = threading.Lock()  # partitions are replayed in parallel

    def start(
        self,
        arguments: list[str],
        sabotage: Sequence[str] = (),
        log: Path | None = None,
        environment: Mapping[str, str] | None = None,
        directory: Path = ROOT,
    ) -> ServiceProcess:
        """Run the command with these arguments.

        Args:
            sabotage: texts for `sabotage.apply`.
            log: the file to append its output to; None for a new one.
            environment: all variables of its environment; None for those of this process and the fork server's.
            directory: its working directory.
        """
        with self._lock:
            if self._process.poll() is not None:  # or every later test would fail, too
                self._end()
                self._begin()
            assert self._process.stdin
            assert self._process.stdout
            self._count += 1
            code = self._directory / f"service-{self._count}.code"
            log = log or code.with_suffix(".log")
            log.touch()
            request = {"arguments": arguments, "sabotage": list(sabotage), "environment": dict(environment or {})}
            request |= {"directory": str(directory), "log": str(log), "code": str(code)}
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            return ServiceProcess(log, code, int(self._process.stdout.readline()))

    def call(self, arguments: list[str], directory: Path) -> str:
        """Run the command until it ends, and return its output."""
        process = self.start(arguments, directory=directory)
        assert process.wait() == 0, process.text
        return process.text

    def _begin(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.fork_server"],
            cwd=ROOT,
            env=os.environ | self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def _end(self) -> None:
        with suppress(ProcessLookupError):  # nothing is left
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()

    def __enter__(self) -> ForkServer:
        self._begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()


class Children:
    """The forked processes. The exit code of each is written to its file when it has ended.

    Nothing here is a signal handler: a handler for SIGCHLD can interrupt itself, and then two calls wait for one child.
    """

    def __init__(self) -> None:
        self._codes: dict[int, Path] = {}

    def fork(self, log: Path, code: Path, run: Callable[[], None]) -> int:
        """Run a function in a child with its output in `log`. Return the child's process id."""
        pid = os.fork()
        if pid == 0:
            file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(file, 1)
            os.dup2(file, 2)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            run()
            sys.exit(0)  # never back into the loop of the parent
        self._codes[pid] = code
        return pid

    def reap(self) -> None:
        """Write the exit code of every child that has ended since the last call."""
        for pid, code in list(self._codes.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                del self._codes[pid]
                part = code.with_suffix(".part")
                part.write_text(str(os.waitstatus_to_exitcode(status)))
                part.rename(code)


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


def import_everything() -> None:
    """Import what services import when they start, and exempt it from garbage collection.

    Otherwise each child copies the memory of all of it when it collects garbage and when it exits: 1.6 s of CPU.
    """
    for name in IMPORTED:
        import_module(name)
    gc.collect()
    gc.freeze()


def main() -> None:
    """Serve requests until stdin is closed."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # as the command does before its imports
    import_everything()
    from makiserve.cli.main import main as command
    from tests.chaos import sabotage

    children = Children()
    for request in requests(children):

        def run(request: dict[str, Any] = request) -> None:
            faulthandler.enable()  # a signal such as SIGSEGV writes where it hit into the log
            if request["environment"]:
                os.environ.clear()
                os.environ.update(request["environment"])
            os.chdir(request["directory"])
            sabotage.apply(request["sabotage"])
            sys.argv = ["makiserve", *request["arguments"]]
            sys.orig_argv = [sys.executable, "-m", *sys.argv]  # with which a service restarts itself
            command()

        print(children.fork(Path(request["log"]), Path(request["code"]), run), flush=True)  # noqa: T201
    os.killpg(0, signal.SIGKILL)  # the test that asked for these services has ended


if __name__ == "__main__":
    main()
