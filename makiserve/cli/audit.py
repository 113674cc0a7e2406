"""`makiserve audit`: compare the outputs of a service with a replay."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import click

from makiserve.artifact import load_served
from makiserve.cli.options import require, settings_from
from makiserve.cli.replay import print_differences
from makiserve.kafka import Connection
from makiserve.offline.audit import Audited, audit
from makiserve.offline.lake_audit import LakeAudited, audit_against_lake
from makiserve.settings import AuditSettings, BrokerSettings, ModelSettings, Settings

HELP = """Compare the outputs of a service with a replay of its input.

\b
makiserve audit --model models:/house@champion --input house --output house.predictions --bootstrap-servers …
makiserve audit --model models:/house/3 --input house --output house.predictions --from 2026-11-24T00:00 …
makiserve audit --model models:/house/3 --input house --output house.predictions --against delta:lake --match-by id
    --order-by time,id …

Each partition is replayed from the start of its state, without output before --from, and compared with the outputs and
dead letters up to the group's committed offset. With --against, the outputs are compared with those of a lake table,
matched by the fields of --match-by. The exit code is 1 if they differ.
"""

FAILED = 1


@click.command("audit", help=HELP)
@settings_from(ModelSettings, BrokerSettings, AuditSettings)
def audit_service(settings: Settings) -> int:
    """Audit the service, print the result and return the exit code."""
    against, match_by = settings.has(AuditSettings, "against"), settings.has(AuditSettings, "match_by")
    also = ["--match-by"] if against and not match_by else []
    require(settings, "audit a service", ModelSettings, AuditSettings, BrokerSettings, also=also)
    audit_settings, broker = settings.of(AuditSettings), settings.of(BrokerSettings)
    if not settings.has(BrokerSettings, "group"):
        broker = replace(broker, group=f"makiserve.{audit_settings.output}")
    model = load_served(settings.of(ModelSettings))
    connection = Connection(broker)
    if audit_settings.against:
        return _print_against(audit_against_lake(model, connection, audit_settings, audit_settings.against))
    partitions = audit(model, connection, audit_settings)
    for partition in partitions:
        _print(partition, broker.group)
    _print_writers(partitions, model.digest)
    return 0 if all(partition.agree for partition in partitions) else FAILED


def _print_against(audited: LakeAudited) -> int:
    records, absent, extra = f"{audited.records:,}", f"{audited.absent:,}", f"{audited.extra:,}"
    reordered = f"{audited.reordered:,} in a different order"
    print(
        f"records       {records} of the stream, {absent} absent from the lake, {extra} only in the lake, {reordered}"
    )
    print_differences(audited.differences)
    return 0 if audited.agree else FAILED


def _print(audited: Audited, group: str) -> None:
    first, end = audited.offsets
    until = "" if audited.is_committed else f" (group {group} has not committed anything yet: outputs may be missing)"
    print(f"{audited.name}  {'agrees' if audited.agree else 'differs'}, offsets {first:,} to {end:,}{until}")
    for name, side in (("outputs", audited.outputs), ("dead letters", audited.dead)):
        same = f"{side.identical:,} identical, {side.close:,} within the tolerance, {side.different:,} different"
        print(f"  {name:13} {same}, {side.missing:,} missing, {side.unexpected:,} unexpected")
    if mismatch := audited.mismatch:
        print(f"  first at      {audited.name}@{mismatch.offset}")
        print(f"  replay        {mismatch.expected}")
        print(f"  service       {mismatch.actual}")
        print(f"  record        {mismatch.record}")
        if audited.origin:
            print(
                f"  The replay started with empty state at offset {audited.origin:,}. If the service started at a "
                "different offset, give that offset with --state-from"
            )


def _print_writers(partitions: list[Audited], digest: str) -> None:
    writers = sum((partition.writers for partition in partitions), Counter[tuple[str, str]]())
    for (version, written_by), count in writers.most_common():
        other = "" if written_by == digest else ": not the audited pipeline"
        print(f"written by version {version or '(not registered)'}, digest {written_by[:12]}…: {count:,}{other}")
