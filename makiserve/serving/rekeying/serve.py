"""The two stages of a service whose records are not keyed by what they are grouped by."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

from makiserve.kafka import Cluster, Connection, insist
from makiserve.schema import Schema
from makiserve.schema.attribute import attribute_of
from makiserve.scoring import Served
from makiserve.serving.rekeying.stage import Keys, Rekeyer
from makiserve.serving.serve import serve
from makiserve.serving.telemetry import Audience
from makiserve.serving.topics import check_names, topic_between
from makiserve.settings import BrokerSettings, ServeSettings

OPTION = "--partition-by"

HEADERS_BYTES = 65_536
"""By how much a message may grow on its way: its key and its position go along."""


def serve_first(model: Served, broker: BrokerSettings, settings: ServeSettings, audience: Audience) -> None:
    """Read the input, and produce each message again with the key by which records are grouped; see `serve`.

    Raises:
        ConfigurationError: the record has no such field, or the topic between does not fit the input.
    """
    between, largest = _prepare(broker, settings)
    attribute = attribute_of(Schema(model.record), settings.partition_by or "", "partition_by")
    own = replace(settings, output=between, partition_by=None)
    options = {"message.max.bytes": str(largest), **broker.options}
    serve(Keys(model, attribute), replace(broker, group=between, options=options), own, audience, Rekeyer)


def serve_second(model: Served, broker: BrokerSettings, settings: ServeSettings, audience: Audience) -> None:
    """Serve what the first stage produces, all of it, wherever that began; see `serve`.

    Raises:
        ConfigurationError: as for the first stage.
    """
    between, _ = _prepare(broker, settings)
    serve(model, broker, replace(settings, input=between, start="earliest"), audience)


def _prepare(broker: BrokerSettings, settings: ServeSettings) -> tuple[str, int]:
    """Create the topic between the stages if there is none, as wide as the input and kept for as long.

    One that exists keeps its number of partitions: the keys of the second stage's state are where they are in it.

    Returns:
        Its name, and the size in bytes of the largest message that it must take.
    """
    check_names(broker, settings)
    topic = topic_between(broker.group, settings.partition_by or "")
    cluster = Cluster(Connection(broker))
    cluster.preflight(broker.patience)
    partitions = cluster.partitions(settings.input)
    kept = insist(partial(cluster.retention, settings.input), timedelta(seconds=10))
    largest = int(kept["max.message.bytes"]) + HEADERS_BYTES
    cluster.ensure(topic, partitions, kept | {"max.message.bytes": str(largest)})
    return topic, largest
