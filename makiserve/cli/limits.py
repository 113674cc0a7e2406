"""Which limit of the machine an exception is about."""

from __future__ import annotations

import errno
import resource
from collections.abc import Iterator

from makiserve.errors import ResourceLimit

FILES = {errno.EMFILE, errno.ENFILE}
DISK = {errno.ENOSPC, errno.EDQUOT}
NO_THREAD = "can't start new thread"


def limit_reached(error: BaseException) -> ResourceLimit | None:
    """Return the error that names the limit behind an exception; None if none is behind it."""
    for each in _chain(error):
        if words := _limit(each):
            return ResourceLimit(f"{words} ({type(each).__name__}: {each})")
    return None


def _limit(error: BaseException) -> str | None:
    code = error.errno if isinstance(error, OSError) else None
    if code in FILES:
        return (
            f"the process may not open more files: its limit is {_soft(resource.RLIMIT_NOFILE)}. Raise it: ulimit -n, "
            "LimitNOFILE of a systemd unit, or the ulimits of a container"
        )
    if code in DISK:
        return "the disk is full, or the user's quota on it: make room"
    if code == errno.ENOMEM or isinstance(error, MemoryError):
        return (
            f"no memory is left: the limit of the process is {_soft(resource.RLIMIT_AS)} (ulimit -v, in bytes), and a "
            "container or the machine has one, too. Give it more memory, start fewer workers, or lower --max-batch"
        )
    if NO_THREAD in str(error) and isinstance(error, RuntimeError):
        return (
            f"the process may not start more threads: the user's limit is {_soft(resource.RLIMIT_NPROC)}. Raise it: "
            "ulimit -u, TasksMax of a systemd unit, or the pids limit of a container"
        )
    return None


def _soft(kind: int) -> str:
    soft, _ = resource.getrlimit(kind)
    return "unlimited" if soft == resource.RLIM_INFINITY else f"{soft:,}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and those that led to it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        yield error
        seen.add(id(error))
        error = error.__cause__ or error.__context__
