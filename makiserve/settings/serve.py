"""What to serve, from where to where."""

from datetime import timedelta
from typing import Literal

from makiserve.settings.section import Section, option


class ServeSettings(Section, table="serve"):
    """Serve, from topic to topic."""

    input: str = option(help="The topic that is read.", metavar="TOPIC")
    output: str = option(
        help="The topic that predictions go to, each to the partition of the record that caused it.", metavar="TOPIC"
    )
    dead_letters: str = option(
        derived="{serve.output}.dead-letters",
        help="The topic of the records that cannot be scored.",
        metavar="TOPIC",
    )
    start: Literal["earliest", "latest"] = option(
        default="earliest", name="from", help="Where a group begins that has never committed."
    )
    commit_interval: timedelta = option(
        default=timedelta(milliseconds=100),
        least=timedelta(milliseconds=1),
        help="How long an output may wait to become visible: exactly-once output appears at the commit.",
    )
    max_batch: int = option(default=4096, least=1, help="The most records that are scored together.")
    workers: int = option(
        default=1, least=1, help="How many processes share the partitions, under a supervisor that restarts them."
    )
    partition_by: str | None = option(
        default=None,
        help="A field of the record that its messages are not keyed by: records with the same value share a partition, "
        "and so their state, by way of a topic between.",
        metavar="FIELD",
    )
