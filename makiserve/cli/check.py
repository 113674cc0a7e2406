"""`makiserve check`: run the preflight checks."""

from __future__ import annotations

import click
from rich.console import Console

from makiserve.artifact import load_served
from makiserve.cli.options import require, settings_from
from makiserve.serving.preflight import CHECKS, CheckResult, run
from makiserve.serving.preflight.runner import ServiceFacts
from makiserve.settings import BrokerSettings, ModelSettings, ServeSettings, Settings

HELP = """Check whether a service can start: model, environment, topics, permissions, records, clocks.

Nothing is changed: no record is produced, no offset is committed, no topic is created. The exit code is that of the
first check that fails, or 0.

\b
makiserve check --model models:/house@champion --input house --output house.predictions --bootstrap-servers …
"""

COLOURS = {"passed": "green", "warned": "yellow", "failed": "red", "skipped": "dim"}


@click.command(help=HELP)
@settings_from(ModelSettings, ServeSettings, BrokerSettings)
def check(settings: Settings) -> int:
    """Print a line for each check and return the exit code."""
    require(settings, "check a service", ModelSettings, ServeSettings, BrokerSettings)
    what = settings.of(ModelSettings)
    facts = ServiceFacts(lambda: load_served(what), settings.of(BrokerSettings), settings.of(ServeSettings))
    screen, code = Console(highlight=False, soft_wrap=True), 0
    for line in run(CHECKS, facts):
        _print(screen, line)
        code = code or line.exit_code
    return code


def _print(screen: Console, line: CheckResult) -> None:
    screen.print(f"[{COLOURS[line.outcome]}]{line.outcome:9}[/] {line.name:13}", end="")
    print(f" {line.words}")
    if line.advice:
        print(f"{'':23} → {line.advice}")
