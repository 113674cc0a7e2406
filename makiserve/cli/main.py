"""The `makiserve` command, and the one place where an error becomes an exit code."""

from __future__ import annotations

import sys
import traceback

import click

from makiserve import __version__
from makiserve.cli.config import config
from makiserve.cli.explain import explain
from makiserve.cli.options import Group, settings_from
from makiserve.cli.replay import replay_file
from makiserve.cli.serve import serve_topic
from makiserve.errors import ConfigurationError, InternalError, MakiserveError
from makiserve.settings import BrokerSettings, ModelSettings, ReplaySettings, ServeSettings, Settings

HELP = """Serve an MLflow model on a Kafka stream, with the feature pipeline that it was trained on.

\b
makiserve --model models:/house@champion --input house --output house.predictions --bootstrap-servers …
makiserve --model models:/house@champion --replay house.csv --label house_overall --output predictions.csv
makiserve explain features:features

Options may stand in the environment, too (MAKISERVE_COMMIT_INTERVAL), and in a TOML file: makiserve config shows what
is in effect.
"""

EXIT_CODES = """\b
Exit codes:
  0   drained, or the replay is complete
  2   the command or the code must be corrected
  3   the model may not serve: it cannot be loaded, or it fails its reference records
  4   the broker cannot be reached, or another instance has taken over
  5   the state does not fit the model
  70  a bug of makiserve
"""


@click.group(
    cls=Group,
    invoke_without_command=True,
    help=HELP,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@settings_from(ModelSettings, ServeSettings, BrokerSettings, ReplaySettings)
@click.version_option(__version__)
@click.pass_context
def command(context: click.Context, settings: Settings) -> None:
    """Serve or replay; or run the subcommand."""
    if context.invoked_subcommand:
        settings.refuse_flags(f"write it after {context.invoked_subcommand}")
    elif settings.has(ReplaySettings, "source"):
        settings.refuse_flags("it has no meaning with --replay", ModelSettings, ReplaySettings)
        replay_file(settings.of(ModelSettings), settings.of(ReplaySettings))
    else:
        settings.refuse_flags("it belongs to --replay", ModelSettings, ServeSettings, BrokerSettings)
        if absent := settings.absent(ModelSettings, ServeSettings, BrokerSettings):
            raise ConfigurationError(f"to serve, give {', '.join(absent)} (or --replay FILE to score a file)")
        serve_topic(settings.of(ModelSettings), settings.of(BrokerSettings), settings.of(ServeSettings))


for each in (config, explain):
    command.add_command(each)


def main() -> None:
    """Run the command; end the process with the exit code of what happened."""
    try:
        code = command.main(standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        code = ConfigurationError.exit_code
    except click.exceptions.Abort:
        code = 130
    except MakiserveError as error:
        click.echo(f"makiserve: {error}", err=True)
        code = error.exit_code
    except Exception:  # noqa: BLE001  the outermost place: whatever else comes here is a bug, and is shown whole
        traceback.print_exc()
        click.echo("makiserve: this is a bug: please report the lines above", err=True)
        code = InternalError.exit_code
    sys.exit(code)
