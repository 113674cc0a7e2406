"""The `makiserve` command."""

from __future__ import annotations

import os
from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NamedTuple

import click

from makiserve import __version__
from makiserve.cli.exit import exit_with
from makiserve.cli.options import require, settings_from
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
        module: the module that defines it.
        name: the name of the click command in that module.
        help: its line in the list of commands.
    """

    module: str
    name: str
    help: str


SERVE = "serve"
"""What many type to serve, although serving needs no command."""


class CommandGroup(click.Group):
    """A command group whose help lists options by section, without importing the commands."""

    def __init__(self, *arguments: Any, later: Mapping[str, LazyCommand], **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._later = later

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self._later)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if (lazy := self._later.get(cmd_name)) is None:
            return None
        command: click.Command = getattr(import_module(lazy.module), lazy.name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] in self._later or args[0].startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        raise click.UsageError(f"There is no command {args[0]}. {self._suggestion(args[0])}", ctx)

    def _suggestion(self, name: str) -> str:
        """Return what a user who typed an unknown command may have meant: a command, or the name of an option."""
        flags = {flag.removeprefix("--") for option in self.params for flag in option.opts}
        names = [*sorted(self._later), SERVE, *sorted(flags)]
        meant = next(iter(get_close_matches(name, names, n=1)), "")
        if meant in self._later:
            return f"Did you mean makiserve {meant}?"
        if meant == SERVE:
            return "To serve, give no command: makiserve --model … --input … --output … --bootstrap-servers …"
        if meant == "replay":
            return "To replay, give an option: makiserve --model … --replay FILE"
        if meant:
            return f"Did you mean the option --{meant}?"
        return f"The commands are {', '.join(sorted(self._later))}. Without one, makiserve serves."

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        titles: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            if line := parameter.get_help_record(ctx):
                titles.setdefault(getattr(parameter, "title", "This command"), []).append(line)
        for title, lines in titles.items():
            with formatter.section(title):
                formatter.write_dl(lines)
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._later[name].help) for name in self.list_commands(ctx)])


HELP = """Serve an MLflow model on a Kafka stream, with the feature pipeline it was trained on.

\b
makiserve --model models:/house@champion --input house --output house.predictions --bootstrap-servers …
makiserve --model models:/house@champion --replay house.csv --label house_overall --output predictions.csv
makiserve --features features:features --input house --output house.features --bootstrap-servers …
makiserve explain features:features
makiserve attach --model models:/house/3 --features features:features --reference house.csv
makiserve dead-letters house.predictions.dead-letters --redrive

Options can also be set in the environment (MAKISERVE_COMMIT_INTERVAL) and in a TOML file. makiserve config shows the
configuration in effect.
"""

EXIT_CODES = """\b
Exit codes:
  0   the service has drained, or the replay is complete
  1   a replay does not meet a requirement or differs from the expected outputs; or a record failed (--on-error stop)
  2   the command or the code must be corrected
  3   the model must not serve: it cannot be loaded, or does not reproduce its reference outputs
  4   the broker cannot be reached, or another instance has taken over
  5   the state does not fit the model
  70  a bug in makiserve
  71  a resource limit: memory, open files, threads or disk space
"""


COMMANDS = {
    "attach": LazyCommand("makiserve.cli.attach", "attach", "Add a feature pipeline to a logged model."),
    "audit": LazyCommand("makiserve.cli.audit", "audit_service", "Compare the outputs of a service with a replay."),
    "build": LazyCommand("makiserve.cli.build", "build", "Build an image with a model and its requirements."),
    "check": LazyCommand("makiserve.cli.check", "check", "Check whether a service can start."),
    "config": LazyCommand("makiserve.cli.config", "config", "Show the configuration in effect."),
    "dead-letters": LazyCommand(
        "makiserve.cli.dead_letters",
        "dead_letters",
        "List the dead letters of a topic by reason, with an example of each, or redrive them.",
    ),
    "record": LazyCommand(
        "makiserve.cli.record",
        "record",
        "Generate a record type from a file, a lake table, a topic or a subject of the schema registry.",
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
    """Serve, replay, or run the subcommand."""
    if context.invoked_subcommand:
        settings.refuse_flags(f"put the options of a command after its name: makiserve {context.invoked_subcommand} …")
    elif settings.has(ReplaySettings, "source"):
        return _replay(settings)
    else:
        settings.refuse_flags("only valid with --replay", ModelSettings, ServeSettings, BrokerSettings, WebSettings)
        require(settings, "serve (without --replay FILE)", ModelSettings, ServeSettings, BrokerSettings)
        what, broker, serving = settings.of(ModelSettings), settings.of(BrokerSettings), settings.of(ServeSettings)
        # A worker uses one core: threads of a library would compete for it. Libraries read this when they are loaded.
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        from makiserve.cli.serve import serve_topic  # its imports take seconds

        return serve_topic(what, broker, serving, settings.of(WebSettings), settings.of(LogSettings))
    return None


def _replay(settings: Settings) -> int:
    from makiserve.cli.replay import replay_sources  # its imports take seconds

    replaying = settings.of(ReplaySettings)
    if any(name.startswith(TOPIC_PREFIX) for name in replaying.source):
        settings.refuse_flags("not valid with --replay", ModelSettings, ReplaySettings, BrokerSettings)
        require(settings, "replay a topic", ModelSettings, BrokerSettings)
        return replay_sources(settings.of(ModelSettings), replaying, settings.of(BrokerSettings))
    settings.refuse_flags("not valid with --replay", ModelSettings, ReplaySettings)
    return replay_sources(settings.of(ModelSettings), replaying, None)


def main() -> None:
    """Run the command and end the process with its exit code."""
    exit_with(lambda: command.main(standalone_mode=False))
