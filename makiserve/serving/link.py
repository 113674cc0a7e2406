"""The pipe between a worker and its supervisor, at the worker's end."""

from __future__ import annotations

import logging
import os
import select
import signal
import threading
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

logger = logging.getLogger(__name__)

ORPHAN_S = 30.0
"""How long a worker may drain after its supervisor has died."""


class Link:
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
