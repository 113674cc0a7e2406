"""The `makiserve` command."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

import click

from makiserve import __version__
from makiserve.cli.exit import exit_with
from makiserve.cli.options import settings_from
from makiserve.errors import ConfigurationError
from makiserve.settings import (
    TOPIC_PREFIX,
    BrokerSettings,
    LogSettings,
    ModelSettings,
    ReplaySettings,
    ServeSettings,
    Settings,
    WebSettings,
)


class LazyCommand(NamedTuple):
    """A command that is not imported yet.

    Attributes:
        module: where it is.
        name: of the click command in it.
        help: its line in the list of commands.
    """

    module: str
    name: str
    help: str


class CommandGroup(click.Group):
    """A group whose help lists the options by the section that they belong to, and imports no command for its list."""

    def __init__(self, *arguments: Any, later: Mapping[str, LazyCommand], **more: Any) -> None:
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


HELP = """Serve an MLflow model on a Kafka stream, with the feature pipeline that it was trained on.

\b
makiserve --model models:/house@champion --input house --output house.predictions --bootstrap-servers …
makiserve --model models:/house@champion --replay house.csv --label house_overall --output predictions.csv
makiserve --features features:features --input house --output house.features --bootstrap-servers …
makiserve explain features:features
makiserve attach --model models:/house/3 --features features:features --reference house.csv
makiserve dead-letters house.predictions.dead-letters --retry

Options may stand in the environment, too (MAKISERVE_COMMIT_INTERVAL), and in a TOML file: makiserve config shows what
is in effect.
"""

EXIT_CODES = """\b
Exit codes:
  0   drained, or the replay is complete
  1   a replay misses what is required of it, or differs from what is expected; --on-error stop met a bad record
  2   the command or the code must be corrected
  3   the model may not serve: it cannot be loaded, or it fails its reference records
  4   the broker cannot be reached, or another instance has taken over
  5   the state does not fit the model
  70  a bug of makiserve
"""


COMMANDS = {
    "attach": LazyCommand("makiserve.cli.attach", "attach", "Add a feature pipeline to a model that MLflow has."),
    "audit": LazyCommand(
        "makiserve.cli.audit", "audit_service", "Hold what a service has written against a replay of what came in."
    ),
    "build": LazyCommand(
        "makiserve.cli.build", "build", "Make an image that has the model and what it requires in it."
    ),
    "check": LazyCommand("makiserve.cli.check", "check", "Find out, before a service starts, whether it can."),
    "config": LazyCommand(
        "makiserve.cli.config", "config", "Show the configuration in effect, as a file that would give it."
    ),
    "dead-letters": LazyCommand(
        "makiserve.cli.dead_letters", "dead_letters", "Show the dead letters that wait in a topic, or put them back."
    ),
    "record": LazyCommand(
        "makiserve.cli.record",
        "record",
        "Write a record type that fits a file, a topic, or a subject of the schema registry.",
    ),
    "explain": LazyCommand("makiserve.cli.explain", "explain", "Show a pipeline as a tree."),
}


@click.group(
    cls=CommandGroup,
    later=COMMANDS,
    invoke_without_command=True,
    help=HELP,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@settings_from(ModelSettings, ServeSettings, BrokerSettings, WebSettings, ReplaySettings)
@click.version_option(__version__)
@click.pass_context
def command(context: click.Context, settings: Settings) -> int | None:
    """Serve or replay; or run the subcommand."""
    if context.invoked_subcommand:
        settings.refuse_flags(f"write it after {context.invoked_subcommand}")
    elif settings.has(ReplaySettings, "source"):
        return _replay(settings)
    else:
        settings.refuse_flags("it belongs to --replay", ModelSettings, ServeSettings, BrokerSettings, WebSettings)
        if absent := settings.absent(ModelSettings, ServeSettings, BrokerSettings):
            raise ConfigurationError(f"to serve, give {', '.join(absent)} (or --replay FILE to score a file)")
        what, broker, serving = settings.of(ModelSettings), settings.of(BrokerSettings), settings.of(ServeSettings)
        # A worker is one core: a library's threads would wait for each other. It is read when the library is loaded.
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        from makiserve.cli.serve import serve_topic  # what it imports takes seconds

        return serve_topic(what, broker, serving, settings.of(WebSettings), settings.of(LogSettings))
    return None


def _replay(settings: Settings) -> int:
    from makiserve.cli.replay import replay_sources  # what it imports takes seconds

    replaying = settings.of(ReplaySettings)
    if any(name.startswith(TOPIC_PREFIX) for name in replaying.source):
        settings.refuse_flags("it has no meaning with --replay", ModelSettings, ReplaySettings, BrokerSettings)
        return replay_sources(settings.of(ModelSettings), replaying, settings.of(BrokerSettings))
    settings.refuse_flags("it has no meaning with --replay", ModelSettings, ReplaySettings)
    return replay_sources(settings.of(ModelSettings), replaying, None)


def main() -> None:
    """Run the command; end the process with the exit code of what happened."""
    exit_with(lambda: command.main(standalone_mode=False))
