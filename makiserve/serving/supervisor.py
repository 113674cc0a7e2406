"""The supervisor: keeps the workers running, drains them together, and ends with one exit code.

```
        start ──▶ RUNNING ── killed, or a code that passes ──▶ WAITING ── the pause is over ──▶ RUNNING
                  RUNNING ── a code that a person must act on, or too many failures ──▶ all drain
        a signal ──▶ all drain ── a second signal ──▶ all end at once
```
It does nothing else: it does not load a model. If the supervisor dies, each worker drains (`worker_slot.py`).
"""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait
from subprocess import TimeoutExpired

from makiserve.errors import ConfigurationError, ModelRefused, PipelineChanged, StateError, StoppedOnError
from makiserve.serving.signals import Stop
from makiserve.serving.worker_slot import WorkerSlot, WorkerSpec

logger = logging.getLogger(__name__)

OnReport = Callable[[str, bytes], None]

POLL_S = 0.5
"""A signal, or the death of a process, is noticed within this time."""

FATAL_EXIT_CODES = {error.exit_code for error in (ConfigurationError, ModelRefused, StateError, StoppedOnError)}
"""Exit codes that require a person to act: a new process would exit with the same code."""

HARMLESS = {-signal.SIGTERM, PipelineChanged.exit_code}
"""Exit codes that are harmless in a drain: the process was stopped before it had begun, or had drained for another
pipeline."""

MAX_FAILURES = 10
"""After this many failed processes in a row, about four minutes, the cause is considered permanent."""

FORCED_S = 5.0
"""Time for a process that must end at once to abort its transaction."""


class Supervisor:
    """Runs a worker process for each task.

    Args:
        command: starts a process; see `WorkerSlot`.
        tasks: one task for each process.
        on_report: called with the name of a task and the report of its process.
    """

    def __init__(self, command: Sequence[str], tasks: Sequence[WorkerSpec], on_report: OnReport) -> None:
        self._slots = [WorkerSlot(task, command) for task in tasks]
        self._on_report = on_report
        self._is_draining = False

    def run(self, stop: Stop) -> int:
        """Run all workers until a stop or a permanent failure; return the highest of their exit codes.

        Raises:
            KeyboardInterrupt: a second signal arrived; all processes have ended.
        """
        try:
            while not self._is_draining or self._running():
                if stop.is_requested and not self._is_draining:
                    self._drain()
                self._poll()
        except KeyboardInterrupt:
            self._force()
            raise
        return self._exit_code()

    def _running(self) -> list[WorkerSlot]:
        return [slot for slot in self._slots if slot.process]

    def _poll(self) -> None:
        """Start processes that are due, pass on reports, and record processes that have ended."""
        now = time.monotonic()
        for slot in self._slots:
            if not self._is_draining and not slot.process and slot.due <= now:
                slot.start()
        links = {slot.link: slot for slot in self._running()}
        for ready in wait([link for link in links if link], self._until_due(now)):
            self._receive_report(links[ready])  # type: ignore[index]  # they are connections, as given
        for slot in self._running():
            if slot.process and slot.process.poll() is not None:
                self._on_exit(slot)

    def _until_due(self, now: float) -> float:
        waits = [slot.due - now for slot in self._slots if not slot.process and not self._is_draining]
        return max(0.0, min([POLL_S, *waits]))

    def _receive_report(self, slot: WorkerSlot) -> None:
        assert slot.link and slot.process  # noqa: S101, PT018  it was among the running
        try:
            self._on_report(slot.name, slot.link.recv_bytes())
        except (EOFError, OSError):
            slot.process.wait()

    def _on_exit(self, slot: WorkerSlot) -> None:
        code = slot.end()
        if self._is_draining:
            slot.code = code = 0 if code in HARMLESS else code
            logger.log(logging.ERROR if code else logging.INFO, "%s exited%s", slot.name, _words(code))
        elif code in FATAL_EXIT_CODES or slot.failures > MAX_FAILURES:
            slot.code = code
            why = " and cannot be restarted" if code in FATAL_EXIT_CODES else f", {slot.failures} times in a row"
            logger.error("%s exited%s%s: draining the other workers", slot.name, _words(code), why)
            self._drain()
        else:
            logger.warning("%s exited%s: restarting it in %g s", slot.name, _words(code), slot.schedule_restart())

    def _drain(self) -> None:
        self._is_draining = True
        for slot in self._slots:
            slot.send_signal(signal.SIGTERM)

    def _force(self) -> None:
        """End all processes at once; kill those that do not exit in time."""
        for slot in self._running():
            slot.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + FORCED_S
        for slot in self._running():
            assert slot.process  # noqa: S101  it is running
            try:
                slot.process.wait(max(0.0, deadline - time.monotonic()))
            except TimeoutExpired:
                slot.process.kill()
                slot.process.wait()

    def _exit_code(self) -> int:
        code, name = max((_shell_code(slot.code), slot.name) for slot in self._slots)
        if code:
            logger.error("exiting with code %d, that of %s", code, name)
        else:
            logger.info("all %d processes have drained", len(self._slots))
        return code


def _shell_code(code: int) -> int:
    return 128 - code if code < 0 else code


def _words(code: int) -> str:
    """Return how a process ended, for the log."""
    if code < 0:
        return f", killed by {signal.Signals(-code).name}"
    return f" with exit code {code}" if code else ""
