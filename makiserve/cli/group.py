"""The group of all commands: one is imported when it is asked for, as MLflow's import alone takes seconds."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

import click


class Later(NamedTuple):
    """A command that is not imported yet.

    Attributes:
        module: where it is.
        name: of the click command in it.
        help: its line in the list of commands.
    """

    module: str
    name: str
    help: str


class Group(click.Group):
    """A group whose help lists the options by the section that they belong to, and imports no command for its list."""

    def __init__(self, *arguments: Any, later: Mapping[str, Later], **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._later = later

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self._later)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if (each := self._later.get(cmd_name)) is None:
            return None
        command: click.Command = getattr(import_module(each.module), each.name)
        return command

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        titles: dict[str, list[tuple[str, str]]] = {}
        for each in self.get_params(ctx):
            if line := each.get_help_record(ctx):
                titles.setdefault(getattr(each, "title", "This command"), []).append(line)
        for title, lines in titles.items():
            with formatter.section(title):
                formatter.write_dl(lines)
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._later[name].help) for name in self.list_commands(ctx)])
