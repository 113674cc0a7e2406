"""The `makiserve` command, and the one place where an error becomes an exit code."""

from __future__ import annotations

import sys
import traceback
from datetime import timedelta
from pathlib import Path

import click

from makiserve import __version__
from makiserve.cli.explain import explain
from makiserve.cli.logs import set_up_logging
from makiserve.cli.replay import replay_file
from makiserve.cli.serve import serve_topic
from makiserve.errors import ConfigurationError, InternalError, MakiserveError
from makiserve.settings import BrokerSettings, ServeSettings

HELP = """Serve an MLflow model on a Kafka stream, with the feature pipeline that it was trained on.

\b
makiserve --model models:/house@champion --input house --output house.predictions --bootstrap-servers …
makiserve --model models:/house@champion --replay house.csv --label house_overall --output predictions.csv
makiserve explain features:features
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
    invoke_without_command=True,
    help=HELP,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.option("--model", metavar="URI", help="runs:/…/model, models:/name@alias, models:/name/1 or a path.")
@click.option("--input", "input_", metavar="TOPIC", help="Serve: the topic to read.")
@click.option("--output", metavar="TOPIC|FILE", help="Where predictions go: a topic, or a CSV file with --replay.")
@click.option(
    "--bootstrap-servers",
    envvar="KAFKA_BOOTSTRAP_SERVERS",
    metavar="HOST:PORT,…",
    help="[env: KAFKA_BOOTSTRAP_SERVERS]",
)
@click.option("--dead-letters", metavar="TOPIC", help="Where records that cannot be scored go. [OUTPUT.dead-letters]")
@click.option("--group", metavar="NAME", help="The consumer group. [makiserve.OUTPUT]")
@click.option("--instance", default="", metavar="NAME", help="A name that this instance keeps over restarts.")
@click.option(
    "--from",
    "start",
    type=click.Choice(["earliest", "latest"]),
    default="earliest",
    show_default=True,
    help="Where a group begins that has never committed.",
)
@click.option(
    "--commit-interval",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    metavar="MS",
    help="How long an output may wait to become visible, in milliseconds.",
)
@click.option("--kafka", "options", multiple=True, metavar="KEY=VALUE", help="A librdkafka property; repeatable.")
@click.option(
    "--replay", type=click.Path(path_type=Path), metavar="FILE", help="Score a CSV or JSON lines file instead."
)
@click.option("--label", metavar="FIELD", help="Replay: measure the predictions against this field of the record.")
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.version_option(__version__)
@click.pass_context
def command(
    context: click.Context,
    model: str | None,
    input_: str | None,
    output: str | None,
    bootstrap_servers: str | None,
    dead_letters: str | None,
    group: str | None,
    instance: str,
    start: str,
    commit_interval: int,
    options: tuple[str, ...],
    replay: Path | None,
    label: str | None,
    log_format: str,
) -> None:
    """Serve or replay; or run the subcommand."""
    set_up_logging(log_format)
    if context.invoked_subcommand:
        return
    if not model:
        raise ConfigurationError("give the --model to serve or to replay; makiserve --help shows how")
    if replay:
        if input_:
            raise ConfigurationError("--replay reads a file and --input a topic: give one of them")
        replay_file(model, replay, Path(output) if output else None, label)
        return
    given = {"--input": input_, "--output": output, "--bootstrap-servers": bootstrap_servers}
    if absent := [name for name, value in given.items() if not value]:
        raise ConfigurationError(f"to serve, give {', '.join(absent)} (or --replay FILE to score a file)")
    if label:
        raise ConfigurationError("--label belongs to --replay: a stream has no labels yet")
    assert input_ and output and bootstrap_servers  # noqa: S101, PT018  as just checked
    serve_topic(
        model,
        BrokerSettings(bootstrap_servers, group or f"makiserve.{output}", instance, _pairs(options)),
        ServeSettings(
            input=input_,
            output=output,
            dead_letters=dead_letters or f"{output}.dead-letters",
            start="latest" if start == "latest" else "earliest",
            commit_interval=timedelta(milliseconds=commit_interval),
        ),
    )


command.add_command(explain)


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


def _pairs(options: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for option in options:
        key, equals, value = option.partition("=")
        if not (key and equals):
            raise ConfigurationError(f"--kafka {option}: expected KEY=VALUE, such as security.protocol=SSL")
        pairs[key] = value
    return pairs
