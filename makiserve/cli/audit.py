"""`makiserve audit`: whether a service wrote what a replay gives."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import click

from makiserve.artifact import load_served
from makiserve.cli.options import settings_from
from makiserve.errors import ConfigurationError
from makiserve.kafka import Connection
from makiserve.offline.audit import Audited, audit
from makiserve.settings import AuditSettings, BrokerSettings, ModelSettings, Settings

HELP = """Hold what a service has written against a replay of what came in.

\b
makiserve audit --model models:/house@champion --input house --output house.predictions --bootstrap-servers …
makiserve audit --model models:/house/3 --input house --output house.predictions --from 2026-11-24T00:00 …

Each partition is replayed from where its state began, in silence up to --from, and compared with the outputs and dead
letters up to what the group of the service has committed. The exit code is 1 where they part.
"""

FAILED = 1


@click.command("audit", help=HELP)
@settings_from(ModelSettings, BrokerSettings, AuditSettings)
def audit_service(settings: Settings) -> int:
    """Audit, print, and give the exit code."""
    asked, broker = settings.of(AuditSettings), settings.of(BrokerSettings)
    if not (isinstance(asked.input, str) and isinstance(asked.output, str)):
        raise ConfigurationError("to audit, give --input and --output, the topics of the service")
    if not settings.has(BrokerSettings, "group"):
        broker = replace(broker, group=f"makiserve.{asked.output}")
    model = load_served(settings.of(ModelSettings))
    found = audit(model, Connection(broker), asked)
    for one in found:
        _print(one, broker.group)
    _print_writers(found, model.digest)
    return 0 if all(one.agree for one in found) else FAILED


def _print(one: Audited, group: str) -> None:
    first, end = one.offsets
    until = "" if one.is_committed else f" (the group {group} has committed nothing: outputs may be on their way)"
    print(f"{one.name}  {'agrees' if one.agree else 'differs'}, offsets {first:,} to {end:,}{until}")
    for name, side in (("outputs", one.outputs), ("dead letters", one.dead)):
        same = f"{side.identical:,} identical, {side.close:,} within the tolerance, {side.different:,} different"
        print(f"  {name:13} {same}, {side.missing:,} missing, {side.unexpected:,} unexpected")
    if parting := one.parting:
        print(f"  they part at  {one.name}@{parting.offset}")
        print(f"  replay        {parting.expected}\n  service       {parting.found}\n  record        {parting.record}")
        if one.origin:
            print(
                f"  The replay's state begins at offset {one.origin:,}. If the service's began elsewhere, they differ "
                "until what an operator remembers has passed: see --state-from."
            )


def _print_writers(found: list[Audited], digest: str) -> None:
    writers = sum((one.writers for one in found), Counter[tuple[str, str]]())
    for (version, own), count in writers.most_common():
        other = "" if own == digest else ": another pipeline than the one audited"
        print(f"written by version {version or '(not registered)'}, digest {own[:12]}…: {count:,}{other}")
