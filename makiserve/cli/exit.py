"""The one place where an error becomes an exit code."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

import click

from makiserve.cli.limits import limit_reached
from makiserve.errors import ArgumentError, ConfigurationError, InternalError, MakiserveError

CANCELLED = 130


def exit_with(run: Callable[[], Any], name: str = "makiserve") -> NoReturn:
    """Run something, and end the process with the exit code of what happened.

    Args:
        run: what to run; the exit code is what it returns, 0 for None.
        name: begins the line that says what went wrong.
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
    except Exception as error:  # noqa: BLE001  the outermost place: whatever else comes here is shown whole
        code = _unexpected(error, name)
    sys.exit(code)


def _unexpected(error: Exception, name: str) -> int:
    """Show an exception that no code expects: a bug, unless a limit of the machine was met. Return the exit code."""
    if limit := limit_reached(error):
        click.echo(f"{name}: {limit}", err=True)
        return limit.exit_code
    traceback.print_exception(error)
    click.echo(f"{name}: this is a bug: please report the lines above", err=True)
    return InternalError.exit_code
