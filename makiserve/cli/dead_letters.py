"""`makiserve dead-letters`: show or redrive dead letters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

import click

from makiserve.cli.options import require, settings_from
from makiserve.errors import ConfigurationError
from makiserve.kafka import Connection
from makiserve.serving.dead_letters import (
    REDRIVE_LOG,
    DeadLetterFilter,
    StoredDeadLetter,
    redrive_dead_letters,
    waiting_dead_letters,
)
from makiserve.settings import BrokerSettings, ServeSettings, Settings, options

HELP = """List the dead letters of a topic by reason, with an example of each, or redrive them.

\b
makiserve dead-letters house.predictions.dead-letters --reason operator
makiserve dead-letters house.predictions.dead-letters --reason operator --redrive

TOPIC is the dead-letter topic. It defaults to that of the configuration. --redrive writes each record back to the topic
and partition that it came from, with the same key, timestamp and headers, exactly once. If the command fails, run it
again. A redriven record has a new offset and is scored with the current state of its partition. The header
makiserve.redriven counts how often a record was redriven.
"""


@click.command(help=HELP)
@click.argument("topic", required=False)
@click.option(
    "--reason",
    "reasons",
    multiple=True,
    metavar="REASON",
    help="Only dead letters with this reason, such as decode or operator; repeatable.",
)
@click.option(
    "--source",
    "sources",
    multiple=True,
    metavar="TOPIC[P]@OFFSET",
    help="Only the dead letter of this record; repeatable.",
)
@click.option("--redrive", is_flag=True, help="Write the records back to the topics they came from.")
@click.option("--dry-run", is_flag=True, help="With --redrive: show what would be redriven, without doing it.")
@settings_from(BrokerSettings)
def dead_letters(
    settings: Settings,
    topic: str | None,
    reasons: tuple[str, ...],
    sources: tuple[str, ...],
    redrive: bool,
    dry_run: bool,
) -> None:
    """Show dead letters, or redrive them."""
    topic = topic or _configured(settings)
    require(settings, "read dead letters", BrokerSettings, also=[] if topic else ["TOPIC"])
    which = DeadLetterFilter(topic, reasons, sources)
    if which.topic.endswith(REDRIVE_LOG):
        raise ConfigurationError(f"{which.topic} is a redrive log: give the dead-letter topic instead")
    connection = Connection(replace(settings.of(BrokerSettings), group=which.topic, instance="redrive"))
    if redrive and not dry_run:
        done = redrive_dead_letters(connection, which)
        for target, count in done.records.items():
            print(f"{count:,} redriven to {target}")
        for dead_letter, reason in done.kept:
            print(f"dead letter {dead_letter.position} was not redriven: {reason}")
        if not done.records:
            print(f"{which.topic} has no matching dead letters to redrive")
    else:
        _print(which.topic, waiting_dead_letters(connection, which), is_dry=redrive)


def _configured(settings: Settings) -> str:
    """Return the dead-letter topic of the configuration; empty if it has none."""
    option = next(option for option in options(ServeSettings) if option.attribute == "dead_letters")
    value = settings.value(option).value
    return value if isinstance(value, str) else ""


def _print(topic: str, dead_letters: Iterable[StoredDeadLetter], *, is_dry: bool) -> None:
    counts: dict[tuple[str, str], int] = defaultdict(int)
    examples: dict[tuple[str, str], StoredDeadLetter] = {}
    targets: dict[str, int] = defaultdict(int)
    for dead_letter in dead_letters:
        kind = dead_letter.reason, dead_letter.operator
        counts[kind] += 1
        targets[dead_letter.source.topic] += 1
        examples.setdefault(kind, dead_letter)
    print(f"dead letters in {topic} that are not yet redriven: {sum(counts.values()):,}")
    for kind, dead_letter in sorted(examples.items(), key=lambda example: -counts[example[0]]):
        example = f"{dead_letter.source} (dead letter {dead_letter.position})"
        print(f"\n{dead_letter.reason}  {counts[kind]:,}, such as {example}")
        print(f"  {dead_letter.error}")
        if dead_letter.trace:
            print("".join(f"    {line}\n" for line in dead_letter.trace.rstrip().splitlines()), end="")
    if is_dry:
        print("\n" + "\n".join(f"{count:,} would be redriven to {target}" for target, count in targets.items()))
