"""The flags of a command, made from the sections of settings that it reads."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable
from dataclasses import MISSING
from functools import wraps
from pathlib import Path
from typing import Any

import click

from makiserve.cli.logs import set_up_logging
from makiserve.settings import (
    SECTIONS,
    LogSettings,
    Option,
    Section,
    Settings,
    given_by_environment,
    given_by_file,
    given_by_flags,
    options,
)
from makiserve.settings.sources import CONFIG
from makiserve.settings.text import metavar, text_from_value

FILE = Path("makiserve.toml")


class Flag(click.Option):
    """A flag made from options, under the title of their section."""

    def __init__(self, *arguments: Any, title: str, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.title = title


def settings_from(*sections: type[Section]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator: the command takes the flags of these sections and is called with `settings`.

    The command's own click arguments are passed on. Logs are set up before it runs.
    """
    known = [each for section in (*sections, LogSettings) for each in options(section)]
    flags: dict[str, list[Option]] = {}
    for each in known:
        flags.setdefault(each.flag, []).append(each)
    names = {flag: flag.removeprefix("--").replace("-", "_") for flag in flags}

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def command(config: Path | None, **arguments: Any) -> Any:
            given = {flag: arguments.pop(f"{name}_") for flag, name in names.items()}
            settings = _settings(config, known, given)
            set_up_logging(settings.of(LogSettings).log_format)
            return function(settings=settings, **arguments)

        path = click.Path(path_type=Path)
        click.option("--config", type=path, metavar="FILE", help=f"The configuration. [{FILE}, if it is there]")(
            command
        )
        for flag in reversed(flags):
            _click_option(f"{names[flag]}_", flags[flag])(command)
        return command

    return decorate


def default_text(option: Option) -> str:
    """The default, in words; empty where there is none."""
    if option.told.derived:
        return re.sub(r"\{\w+\.(\w+)\}", lambda other: other[1].upper(), option.told.derived)
    if option.is_mapping or option.default in (MISSING, None, "", ()):
        return ""
    return text_from_value(option.kind, option.default)


def _settings(config: Path | None, known: list[Option], given: dict[str, Any]) -> Settings:
    everything = [each for section in SECTIONS for each in options(section)]
    path = config or (Path(os.environ[CONFIG]) if CONFIG in os.environ else FILE if FILE.exists() else None)
    file = given_by_file(everything, path) if path else {}
    return Settings(SECTIONS, file, given_by_environment(everything, os.environ), given_by_flags(known, given))


def _click_option(name: str, same: list[Option]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """One flag for the options that share it, in different sections; what was given is read by the settings."""
    first = same[0]
    text = " ".join(each.told.help for each in same)
    shown = default_text(first)
    text += f" [{shown}]" if shown else ""
    told: dict[str, Any] = {"cls": Flag, "title": title_of(first.section), "help": text}
    if first.kind is bool:
        return click.option(f"{first.flag}/--no-{first.key}", name, default=None, **told)
    meta, multiple = first.told.metavar or metavar(first.kind), first.is_mapping or first.is_list
    return click.option(first.flag, name, metavar=meta, multiple=multiple, **told)


def title_of(section: type[Section]) -> str:
    """The first line of a section's docstring."""
    return (inspect.getdoc(section) or "").splitlines()[0].rstrip(".")
