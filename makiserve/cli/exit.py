"""The conversion of errors to exit codes."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

import click

from makiserve.cli.resource_limits import limit_reached
from makiserve.errors import ArgumentError, ConfigurationError, InternalError, MakiserveError

CANCELLED = 130


def exit_with(run: Callable[[], Any], name: str = "makiserve") -> NoReturn:
    """Run a function, and end the process with the exit code of its result or error.

    Args:
        run: the function; it returns the exit code, or None for 0.
        name: the prefix of the error message.
    """
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
    sys.exit(code)


def _unexpected(error: Exception, name: str) -> int:
    """Show an unexpected exception (a bug, or a limit of the machine) and return the exit code."""
    if limit := limit_reached(error):
        click.echo(f"{name}: {limit}", err=True)
        return limit.exit_code
    traceback.print_exception(error)
    click.echo(f"{name}: this is a bug in makiserve. Please report it with the traceback above", err=True)
    return InternalError.exit_code
