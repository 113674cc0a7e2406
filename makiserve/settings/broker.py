"""How to reach the broker."""

from collections.abc import Mapping
from datetime import timedelta

from makiserve.settings.section import Section, option


class BrokerSettings(Section, table="broker"):
    """The broker, and the group on it."""

    bootstrap_servers: str = option(
        help="Where the brokers listen, several separated by commas.",
        metavar="HOST:PORT,…",
        aliases=("KAFKA_BOOTSTRAP_SERVERS",),
    )
    group: str = option(
        derived="makiserve.{serve.output}",
        help="The consumer group; instances of one service share it.",
        metavar="NAME",
    )
    instance: str = option(
        default="",
        help="A name that this instance keeps over restarts (a StatefulSet's pod name): the group waits for it to come "
        "back before it moves its partitions.",
        metavar="NAME",
    )
    options: Mapping[str, str] = option(
        default={},
        name="kafka",
        help="A librdkafka property, for security and tuning; repeatable. file:/path stands for what is in the file.",
        metavar="KEY=VALUE",
    )
    patience: timedelta = option(
        default=timedelta(seconds=10), help="How long to wait, at the start, for a broker that does not answer."
    )
