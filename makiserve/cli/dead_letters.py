"""`makiserve dead-letters`: what could not be scored, and another try."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

import click

from makiserve.cli.options import settings_from
from makiserve.errors import ConfigurationError
from makiserve.kafka import Connection
from makiserve.serving.dead_letters import DeadLetter, Waiting, redrive_dead_letters, waiting
from makiserve.settings import BrokerSettings, ServeSettings, Settings, options

HELP = """Show the dead letters that wait in a topic, or put them back: by reason, each with an example.

\b
makiserve dead-letters house.predictions.dead-letters --reason operator
makiserve dead-letters house.predictions.dead-letters --reason operator --retry

Without TOPIC it is that of the configuration. --retry puts each record back into the topic and partition that it came
from, key, time and headers as they were, exactly once: whatever fails, start it again. It is a new record at a new
offset: it is scored with the state that the partition has by then. A header, makiserve.retried, counts.
"""


@click.command(help=HELP)
@click.argument("topic", required=False)
@click.option("--reason", "reasons", multiple=True, help="Letters of this reason alone; repeatable.")
@click.option(
    "--source", "sources", multiple=True, metavar="TOPIC[P]@OFFSET", help="Letters of this record alone; repeatable."
)
@click.option("--retry", is_flag=True, help="Put them back.")
@click.option("--dry-run", is_flag=True, help="With --retry: say what would be put back, and do nothing.")
@settings_from(BrokerSettings)
def dead_letters(
    settings: Settings,
    topic: str | None,
    reasons: tuple[str, ...],
    sources: tuple[str, ...],
    retry: bool,
    dry_run: bool,
) -> None:
    """Show letters, or put them back."""
    which = Waiting(topic or _configured(settings), reasons, sources)
    if which.topic.endswith(".put-back"):
        raise ConfigurationError(f"{which.topic} holds receipts: name the topic of the dead letters")
    connection = Connection(replace(settings.of(BrokerSettings), group=which.topic, instance="put-back"))
    if retry and not dry_run:
        done = redrive_dead_letters(connection, which)
        for target, count in done.records.items():
            print(f"{count:,} put back into {target}")
        for letter, why in done.kept:
            print(f"the letter {letter.place} was not put back and is still waiting: {why}")
        if not done.records:
            print(f"no letter of these waits in {which.topic}")
    else:
        _print(which.topic, waiting(connection, which), is_dry=retry)


def _configured(settings: Settings) -> str:
    """The service's topic of dead letters, from the configuration."""
    option = next(each for each in options(ServeSettings) if each.attribute == "dead_letters")
    value = settings.value(option).value
    if not isinstance(value, str):
        raise ConfigurationError("name the topic of the dead letters: makiserve dead-letters TOPIC")
    return value


def _print(topic: str, letters: Iterable[DeadLetter], *, is_dry: bool) -> None:
    counts: dict[tuple[str, str], int] = defaultdict(int)
    examples: dict[tuple[str, str], DeadLetter] = {}
    targets: dict[str, int] = defaultdict(int)
    for letter in letters:
        kind = letter.reason, letter.operator
        counts[kind] += 1
        targets[letter.source.topic] += 1
        examples.setdefault(kind, letter)
    print(f"{sum(counts.values()):,} dead letters wait in {topic}")
    for kind, letter in sorted(examples.items(), key=lambda each: -counts[each[0]]):
        print(f"\n{letter.reason}  {counts[kind]:,}, such as {letter.source} (letter {letter.place})")
        print(f"  {letter.error}")
        if letter.trace:
            print("".join(f"    {line}\n" for line in letter.trace.rstrip().splitlines()), end="")
    if is_dry:
        print("\n" + "\n".join(f"{count:,} would be put back into {target}" for target, count in targets.items()))
