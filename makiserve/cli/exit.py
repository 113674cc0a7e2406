"""The conversion of errors to exit codes, and the limits of the machine that cause errors."""

from __future__ import annotations

import errno
import gc
import resource
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import click

from makiserve.errors import ArgumentError, ConfigurationError, InternalError, MakiserveError, ResourceLimit

CANCELLED = 130

THRESHOLD = gc.get_threshold()
"""When Python collects garbage: after this number of new objects, by generation."""

IMPORTING = (50_000, *THRESHOLD[1:])
"""The same for a process that imports libraries. Their objects are not garbage, and each collection walks them."""


def exit_with(run: Callable[[], Any], name: str = "makiserve") -> NoReturn:
    """Run a function, and end the process with the exit code of its result or error.

    The function may restore `THRESHOLD` when it has imported what it needs.

    Args:
        run: the function; it returns the exit code, or None for 0.
        name: the prefix of the error message.
    """
    gc.set_threshold(*IMPORTING)
    try:
        code = run() or 0
    except click.ClickException as error:
        error.show()
        code = ConfigurationError.exit_code
    except (click.exceptions.Abort, KeyboardInterrupt):
        click.echo(f"{name}: interrupted", err=True)
        code = CANCELLED
    except ArgumentError as error:
        click.echo(f"{name}: {error.as_option}", err=True)
        code = error.exit_code
    except MakiserveError as error:
        click.echo(f"{name}: {error}", err=True)
        code = error.exit_code
    except Exception as error:  # noqa: BLE001  the outermost place: any other exception is shown with its traceback
        code = _unexpected(error, name)
    gc.freeze()  # otherwise Python would walk all imported libraries again before the process ends
    sys.exit(code)


def _unexpected(error: Exception, name: str) -> int:
    """Show an unexpected exception (a bug, or a limit of the machine) and return the exit code."""
    if limit := limit_reached(error):
        click.echo(f"{name}: {limit}", err=True)
        return limit.exit_code
    traceback.print_exception(error)
    click.echo(f"{name}: this is a bug in makiserve. Please report it with the traceback above", err=True)
    return InternalError.exit_code


FILES = {errno.EMFILE, errno.ENFILE}
DISK = {errno.ENOSPC, errno.EDQUOT}
NO_THREAD = "can't start new thread"


def limit_reached(error: BaseException) -> ResourceLimit | None:
    """Return the error for the resource limit that caused an exception; None if a limit is not the cause."""
    for cause in _chain(error):
        if limit := _limit(cause):
            return ResourceLimit(f"{limit} ({type(cause).__name__}: {cause})")
    return None


def _limit(error: BaseException) -> str | None:
    code = error.errno if isinstance(error, OSError) else None
    if code in FILES:
        return (
            f"too many open files: the limit of the process is {_soft(resource.RLIMIT_NOFILE)}. Raise it: ulimit -n, "
            "LimitNOFILE of a systemd unit, or the ulimits of a container"
        )
    if code in DISK:
        return "the disk is full, or the user's quota is used up. Free some space"
    if code == errno.ENOMEM or isinstance(error, MemoryError):
        return (
            f"out of memory: the limit of the process is {_soft(resource.RLIMIT_AS)} (ulimit -v, in bytes). A "
            "container and the machine have limits, too. Give it more memory, start fewer workers, or lower --max-batch"
        )
    if NO_THREAD in str(error) and isinstance(error, RuntimeError):
        return (
            f"too many threads: the limit of the user is {_soft(resource.RLIMIT_NPROC)}. Raise it: ulimit -u, TasksMax "
            "of a systemd unit, or the pids limit of a container"
        )
    return None


def _soft(kind: int) -> str:
    soft, _ = resource.getrlimit(kind)
    return "unlimited" if soft == resource.RLIM_INFINITY else f"{soft:,}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and the exceptions that caused it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        yield error
        seen.add(id(error))
        error = error.__cause__ or error.__context__
