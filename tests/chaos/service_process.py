"""A process that runs the command: its output, its exit code, and the signals that end it."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

TIMEOUT_S = 600
"""A busy machine may take this long for what takes an idle one five seconds."""


class ServiceProcess:
    """A process that runs the command.

    Attributes:
        log: the file that its output is appended to.
        pid: its process id.
    """

    def __init__(self, log: Path, code: Path, pid: int) -> None:
        self.log = log
        self.pid = pid
        self._code = code

    @property
    def code(self) -> int | None:
        """The exit code, negative if a signal ended the process; None while it runs."""
        return int(self._code.read_text()) if self._code.exists() else None

    def wait(self, timeout_s: float = TIMEOUT_S) -> int:
        """Wait until it ends, and return its exit code."""
        deadline = time.monotonic() + timeout_s
        while self.code is None:
            assert time.monotonic() < deadline, f"it did not end within {timeout_s} s:\n{self.text}"
            time.sleep(0.02)
        return int(self.code)

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal if it still runs."""
        if self.code is None:
            with suppress(ProcessLookupError):  # it has just ended
                os.kill(self.pid, number)

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send it a signal that ends it, and return its exit code.

        If it does not end, SIGABRT makes it log where it hangs.
        """
        self.send_signal(how)
        try:
            return self.wait()
        except AssertionError:
            self.send_signal(signal.SIGABRT)
            return self.wait()

    @property
    def text(self) -> str:
        """The output so far."""
        return self.log.read_text(errors="replace")
