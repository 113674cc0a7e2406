"""The supervisor's side of a worker process, and the worker's side of the pipe between them."""

from __future__ import annotations

import logging
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from typing import Any, NamedTuple

logger = logging.getLogger(__name__)

ORPHAN_S = 30.0
"""How long a worker may drain after its supervisor has died."""


class ControlPipe:
    """A worker's end of the pipe to its supervisor.

    Args:
        file: the file descriptor inherited from the supervisor.

    Attributes:
        job: the job received from the supervisor.
    """

    def __init__(self, file: int) -> None:
        os.set_inheritable(file, False)  # a process that the model starts must not keep the pipe open
        self._pipe = Connection(file)
        self.job: Any = self._pipe.recv()
        threading.Thread(target=self._watch_supervisor, name="supervisor watch", daemon=True).start()

    def report(self, snapshot: bytes) -> None:
        """Send a snapshot to the supervisor, without blocking. If it is not reading, drop it: the next one is newer."""
        with suppress(OSError):  # the supervisor is gone: `_watch_supervisor` ends this process
            if select.select([], [self._pipe], [], 0)[1]:
                self._pipe.send_bytes(snapshot)

    def _watch_supervisor(self) -> None:
        """Drain when the supervisor dies, for whatever reason: nothing else would end this process."""
        with suppress(EOFError, OSError):
            self._pipe.recv_bytes()  # the supervisor sends nothing more: this returns when it dies
        logger.warning("the supervisor has exited: draining")
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(ORPHAN_S)
        os._exit(1)


MAX_PAUSE_S = 30.0

SETTLED_S = 60.0
"""A process that has run this long did not fail at startup: the back-off of its successor is reset."""


class WorkerSpec(NamedTuple):
    """The job of a supervised process.

    Attributes:
        name: name in logs and reports, such as `worker 2`.
        job: sent to the process, pickled.
    """

    name: str
    job: Any


class WorkerSlot:
    """A slot for one worker process, which is restarted after a failure.

    Args:
        task: the job to run.
        command: starts a process, with the descriptor of its pipe as the last argument.

    Attributes:
        link: the pipe to the process.
        process: the running process; None if there is none.
        failures: number of processes in a row that ended early.
        due: when to start the next process, in seconds of `time.monotonic`.
        code: exit code of the last process, set by the supervisor in a drain or after a permanent failure; 0 before.
    """

    def __init__(self, task: WorkerSpec, command: Sequence[str]) -> None:
        self.name = task.name
        self.link: Connection | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self.failures = 0
        self.due = 0.0
        self.code = 0
        self._job = task.job
        self._command = command
        self._began = 0.0

    def start(self) -> None:
        """Start a process in its own session, so that Ctrl-C reaches only the supervisor, which drains all workers."""
        self.link, theirs = Pipe()
        self._began = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603  a command of our own
            [*self._command, str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
        theirs.close()
        with suppress(OSError):  # the process has already exited: `end` returns its exit code
            self.link.send(self._job)

    def send_signal(self, how: signal.Signals) -> None:
        """Send the process a signal."""
        if self.process:
            self.process.send_signal(how)

    def end(self) -> int:
        """Record that the process has ended; return its exit code, negative for the signal that killed it."""
        assert self.process and self.link  # noqa: S101, PT018  as the caller has seen
        code = self.process.wait()
        self.link.close()
        is_settled = time.monotonic() - self._began > SETTLED_S
        self.failures = 1 if is_settled else self.failures + 1
        self.link = self.process = None
        return code

    def schedule_restart(self) -> float:
        """Schedule the next process and return the delay in seconds: none after the first failure."""
        pause = 0.0 if self.failures == 1 else min(MAX_PAUSE_S, 2.0 ** (self.failures - 2))
        self.due = time.monotonic() + pause
        return pause
