"""Folders for the files of loaded models, each locked by its process: what a killed one leaves, the next removes."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

if sys.platform != "win32":  # services do not run there, and a notebook may leave a folder
    import fcntl

PREFIX = "makiserve-model-"


class ModelFolder:
    """An empty folder in the directory for temporary files, there until it is removed or its process ends.

    A container that is killed again and again would otherwise fill the volume that outlives it. The lock is that of the
    open folder: the kernel frees it, however the process ends, and other containers on the volume see it, too.

    Attributes:
        path: where it is.
    """

    def __init__(self) -> None:
        for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
            if (lock := _lock(left)) is not None:
                shutil.rmtree(left, ignore_errors=True)
                os.close(lock)
        while not self._is_taken():
            pass

    def _is_taken(self) -> bool:
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._lock = _lock(self.path)
        # Another process may have found it before it was locked, and taken it for one that was left.
        return sys.platform == "win32" or (self._lock is not None and self.path.exists())

    def remove(self) -> None:
        """It is not needed any more."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _lock(path: Path) -> int | None:
    """The lock of a folder; None where another process has it, or it is gone."""
    if sys.platform == "win32":
        return None
    with suppress(OSError):
        found = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(found)
        else:
            return found
    return None
