"""What to serve, from where to where."""

from datetime import timedelta
from typing import Literal

from makiserve.settings.section import Section, option
from makiserve.settings.text import value_from_text

OnStateLoss = Literal["refuse", "rebuild", "start-empty"]


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
    on_error: Literal["dead-letter", "stop"] = option(
        default="dead-letter",
        help="What to do with a record that cannot be scored: put it aside and go on, or stop before it.",
    )
    on_state_loss: OnStateLoss = option(
        default="refuse",
        help="What to do where the state that belongs to a committed offset is lost: refuse to serve, rebuild it from "
        "the records that are still there, or go on without a past.",
    )
    warm_up: str | None = option(
        default=None,
        metavar="DURATION|FILE",
        help="The past of a partition that was never committed, scored in silence before its first record: how much of "
        "the topic before the start, or a file ({partition} in its name stands for the number). As a duration it is "
        "also what a rebuilt state is made of.",
    )
    na_values: tuple[str, ...] = option(
        default=(),
        help="With --warm-up FILE: the cells of a CSV file that are None for an optional field, in addition to empty "
        "ones; repeatable. Without it those of pandas: NA, N/A, NaN, null, None and others.",
        metavar="TEXT",
    )
    watch: timedelta | None = option(
        default=None,
        least=timedelta(milliseconds=100),
        help="How often the registry is asked whether an alias names another version, the model's, the shadow's or the "
        "challenger's, to serve that.",
    )
    shadow: str | None = option(
        default=None,
        metavar="URI",
        help="A model that is given the same features, and whose predictions go to a topic of their own.",
    )
    shadow_output: str | None = option(
        default=None, metavar="TOPIC", help="The topic that the shadow's predictions go to."
    )
    workers: int = option(
        default=1, least=1, help="How many processes share the partitions, under a supervisor that restarts them."
    )
    partition_by: str | None = option(
        default=None,
        help="A field of the record that its messages are not keyed by: records with the same value share a partition, "
        "and so their state, by way of a topic between.",
        metavar="FIELD",
    )

    @property
    def warm_up_span(self) -> timedelta | None:
        """How much of the topic is scored in silence; None where that is not asked for."""
        try:
            span: timedelta = value_from_text(timedelta, self.warm_up or "")
        except ValueError:
            return None
        return span

    @property
    def warm_up_file(self) -> str | None:
        """The file that is; None where that is not asked for."""
        return None if self.warm_up_span is not None else self.warm_up
