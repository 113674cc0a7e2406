"""The flags of a command, generated from its sections of settings."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import MISSING
from functools import wraps
from pathlib import Path
from typing import Any

import click

from makiserve.cli.logs import set_up_logging
from makiserve.errors import ConfigurationError
from makiserve.settings import (
    SECTIONS,
    LogSettings,
    ModelSettings,
    Option,
    Section,
    Settings,
    given_by_environment,
    given_by_file,
    given_by_flags,
    options,
)
from makiserve.settings.text import metavar, text_from_value
from makiserve.settings.value_sources import CONFIG

FILE = Path("makiserve.toml")


class Flag(click.Option):
    """A flag for one or more options, listed under the title of their section."""

    def __init__(self, *arguments: Any, title: str, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.title = title


def settings_from(*sections: type[Section]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that adds the flags of these sections and passes `settings` to the command.

    Other click arguments of the command are passed through. Logging is set up before it runs.
    """
    known = [option for section in (*sections, LogSettings) for option in options(section)]
    flags: dict[str, list[Option]] = {}
    for option in known:
        flags.setdefault(option.flag, []).append(option)
    names = {flag: flag.removeprefix("--").replace("-", "_") for flag in flags}

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def command(config: Path | None, **arguments: Any) -> Any:
            given = {flag: arguments.pop(f"{name}_") for flag, name in names.items()}
            settings = _settings(config, known, given)
            set_up_logging(settings.of(LogSettings).log_format)
            return function(settings=settings, **arguments)

        path = click.Path(path_type=Path)
        click.option("--config", type=path, metavar="FILE", help=f"The configuration file. [{FILE}, if it exists]")(
            command
        )
        for flag in reversed(flags):
            _click_option(f"{names[flag]}_", flags[flag])(command)
        return command

    return decorate


class Command(click.Command):
    """A command that reports all of its missing options at once."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        given = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.MissingParameter as error:
            values, _, _ = self.make_parser(ctx).parse_args(given)
            required = [parameter for parameter in self.get_params(ctx) if parameter.required]
            absent = [parameter.opts[0] for parameter in required if parameter.name not in values]
            if len(absent) < 2:
                raise
            raise click.UsageError(f"Missing options: {', '.join(absent)}.", ctx) from error


def require(settings: Settings, purpose: str, *sections: type[Section], also: Iterable[str] = ()) -> None:
    """Raise one error that names everything that a command lacks.

    Args:
        settings: the settings of the command.
        purpose: what the command is for, to follow "to".
        sections: the sections whose required options must be given; of a `ModelSettings` the model or the pipeline.
        also: what is missing in addition.

    Raises:
        ConfigurationError: something is missing.
    """
    has_model = settings.has(ModelSettings, "model") or settings.has(ModelSettings, "features")
    model = [] if has_model or ModelSettings not in sections else ["--model (or --features)"]
    if absent := [*also, *model, *settings.absent(*sections)]:
        raise ConfigurationError(f"to {purpose}, give {', '.join(absent)}")


def default_text(option: Option) -> str:
    """Return the text of the default; empty if there is none."""
    if option.spec.derived:
        return re.sub(r"\{\w+\.(\w+)\}", lambda other: other[1].upper(), option.spec.derived)
    if option.is_mapping or option.default in (MISSING, None, "", ()):
        return ""
    return text_from_value(option.kind, option.default)


def _settings(config: Path | None, known: list[Option], given: dict[str, Any]) -> Settings:
    everything = [option for section in SECTIONS for option in options(section)]
    path = config or (Path(os.environ[CONFIG]) if CONFIG in os.environ else FILE if FILE.exists() else None)
    file = given_by_file(everything, path) if path else {}
    return Settings(SECTIONS, file, given_by_environment(everything, os.environ), given_by_flags(known, given))


def _click_option(name: str, same: list[Option]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the decorator for a flag that these options of different sections share."""
    first = same[0]
    text = " ".join(dict.fromkeys(option.spec.help for option in same))
    shown = default_text(first)
    text += f" [{shown}]" if shown else ""
    attributes: dict[str, Any] = {"cls": Flag, "title": title_of(first.section), "help": text}
    if first.kind is bool:
        return click.option(f"{first.flag}/--no-{first.key}", name, default=None, **attributes)
    meta, multiple = first.spec.metavar or metavar(first.kind), first.is_mapping or first.is_list
    return click.option(first.flag, name, metavar=meta, multiple=multiple, **attributes)


def title_of(section: type[Section]) -> str:
    """Return the first line of a section's docstring."""
    return (inspect.getdoc(section) or "").splitlines()[0].rstrip(".")
