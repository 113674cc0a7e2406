"""A worker's process, seen from the supervisor: how it is started, heard and ended."""

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
    """What a worker knows of its supervisor.

    Args:
        file: the descriptor that the supervisor has passed on.

    Attributes:
        job: what the supervisor gave it to do.
    """

    def __init__(self, file: int) -> None:
        os.set_inheritable(file, False)  # a process that the model starts must not keep the pipe open
        self._pipe = Connection(file)
        self.job: Any = self._pipe.recv()
        threading.Thread(target=self._watch, name="supervisor watch", daemon=True).start()

    def report(self, snapshot: bytes) -> None:
        """Hand something to the supervisor. One that does not read is not waited for: the next report is newer."""
        with suppress(OSError):  # it is gone: the watch ends this process
            if select.select([], [self._pipe], [], 0)[1]:
                self._pipe.send_bytes(snapshot)

    def _watch(self) -> None:
        """Drain when the supervisor dies, however it dies: nobody else would ever end this process."""
        with suppress(EOFError, OSError):
            self._pipe.recv_bytes()  # it says nothing more: this returns at its end
        logger.warning("the supervisor is gone: draining")
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(ORPHAN_S)
        os._exit(1)


LONGEST_PAUSE_S = 30.0

SETTLED_S = 60.0
"""A process that has run for so long did not fail at its start: its successor's pauses begin anew."""


class WorkerSpec(NamedTuple):
    """What one of the supervised processes is to do.

    Attributes:
        name: in logs and reports, such as `worker 2`.
        job: is sent to the process, pickled.
    """

    name: str
    job: Any


class WorkerSlot:
    """Keeps one task staffed.

    Args:
        task: what is to be done.
        command: starts a process, with the descriptor of its pipe as the last argument.

    Attributes:
        link: the pipe to the process.
        process: None while there is none.
        failures: how many processes in a row have ended early.
        due: when the next one is to be started, in seconds of `time.monotonic`.
        code: that the last one has left; 0 while nothing is amiss.
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
        """Start a process. In a session of its own: Ctrl-C is for the supervisor, which drains all together."""
        self.link, theirs = Pipe()
        self._began = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603  a command of our own
            [*self._command, str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
        theirs.close()
        with suppress(OSError):  # it has ended already: `end` tells how
            self.link.send(self._job)

    def ask(self, how: signal.Signals) -> None:
        """Send the process a signal."""
        if self.process:
            self.process.send_signal(how)

    def end(self) -> int:
        """Note that the process has ended; its exit code, negative for the signal that killed it."""
        assert self.process and self.link  # noqa: S101, PT018  as the caller has seen
        code = self.process.wait()
        self.link.close()
        is_settled = time.monotonic() - self._began > SETTLED_S
        self.failures = 1 if is_settled else self.failures + 1
        self.link = self.process = None
        return code

    def pause(self) -> float:
        """Set when the next process is due, and tell in how many seconds: at once after the first failure."""
        pause = 0.0 if self.failures == 1 else min(LONGEST_PAUSE_S, 2.0 ** (self.failures - 2))
        self.due = time.monotonic() + pause
        return pause
