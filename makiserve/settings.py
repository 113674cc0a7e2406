"""What a service is told: frozen values, made once from the command line, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal


@dataclass(frozen=True)
class BrokerSettings:
    """How to reach the broker.

    Attributes:
        bootstrap_servers: `host:port`, several separated by commas.
        group: the consumer group; instances of one service share it.
        instance: a name that stays the same over restarts, where the deployment has one (a StatefulSet's pod name): the
            group then waits for the instance to come back before it moves its partitions. Empty where there is none.
        options: librdkafka properties that override makiserve's, for security and tuning.
        patience: how long to wait for a broker that does not answer, at the start.
    """

    bootstrap_servers: str
    group: str
    instance: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    patience: timedelta = timedelta(seconds=10)


@dataclass(frozen=True)
class ServeSettings:
    """What to serve, from where to where.

    Attributes:
        input: the topic that is read.
        output: the topic that predictions go to, each to the partition of the record that caused it.
        dead_letters: the topic of the records that cannot be scored.
        start: where a group that has never committed begins.
        commit_interval: how long outputs may wait to become visible: exactly-once output appears at the commit.
        max_batch: the most records that are scored together.
    """

    input: str
    output: str
    dead_letters: str
    start: Literal["earliest", "latest"] = "earliest"
    commit_interval: timedelta = timedelta(milliseconds=100)
    max_batch: int = 4096
