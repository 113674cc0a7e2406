"""The one place where an error becomes an exit code."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

import click

from makiserve.errors import ConfigurationError, InternalError, MakiserveError

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
    except MakiserveError as error:
        click.echo(f"{name}: {error}", err=True)
        code = error.exit_code
    except Exception:  # noqa: BLE001  the outermost place: whatever else comes here is a bug, and is shown whole
        traceback.print_exc()
        click.echo(f"{name}: this is a bug: please report the lines above", err=True)
        code = InternalError.exit_code
    sys.exit(code)
