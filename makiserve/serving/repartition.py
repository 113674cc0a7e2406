"""Repartition records by another key in a first stage: `--partition-by`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec

from makiserve.kafka import BY_KEY, Cluster, Connection, Headers, Message, retry
from makiserve.records import Record, Schema
from makiserve.records.fields import attribute_of
from makiserve.scoring import ALONE, Batch, Encoded, ModelGroup, Outputs, Scored, Scorer, Served
from makiserve.serving.messages import Origin, Outgoing, Times, rekeyed_headers
from makiserve.serving.publisher import Publisher
from makiserve.serving.serve import serve
from makiserve.serving.telemetry import TelemetrySink
from makiserve.serving.topics import check_names, topic_between
from makiserve.settings import BrokerSettings, ServeSettings
from makiserve.stream.engine.trace import trace
from makiserve.stream.ops.map import map as map_


@dataclass(frozen=True)
class Keys:
    """A pipeline that computes the new key of each record, served in place of the model by the first stage.

    Attributes:
        model: the model that the second stage serves.
        attribute: the field of the record to use as the key.
    """

    model: Served
    attribute: str
    predictor: None = None
    registry: None = None
    beside: ModelGroup = ALONE

    @property
    def uri(self) -> str:
        return f"{self.model.uri}, keys by {self.attribute}"

    @property
    def name(self) -> str | None:
        return self.model.name

    @property
    def version(self) -> str | None:
        return self.model.version

    @property
    def digest(self) -> str:
        return self.model.digest

    @property
    def profile(self) -> None:
        return None

    @property
    def record(self) -> type[Record]:
        return self.model.record

    @property
    def sample(self) -> Sequence[Record]:
        return self.model.sample

    def scorer(self, *, is_tracked: bool = False) -> Scorer:
        key: Callable[[Any], bytes] = partial(key_of, self.attribute)
        return Scorer(trace(map_(key)), is_tracked=is_tracked)

    def outputs(self, emit: Sequence[str] = ()) -> Outputs:
        return Outputs(self.record, (), emit=emit, has_model=False, has_post=False)


class Repartitioner(Publisher):
    """Produces each message with its new key, to the partition that Java clients would choose."""

    keeps_partition = False

    def _encoded(self, batch: Batch, scored: Scored) -> Encoded:
        return Encoded(scored.causes, scored.features, scored.dead)

    def _message(self, message: Message, record: Origin, value: Any, models: Headers, times: Times) -> Outgoing:
        time_ms, time = times.fit(record.time_ms)
        return Outgoing(self._settings.output, BY_KEY, value, message.value(), rekeyed_headers(record, time), time_ms)


def key_of(attribute: str, record: Any) -> bytes:
    """Return the key of a record: text as is, anything else as JSON.

    Raises:
        ValueError: the field is empty, so the record has no key.
    """
    value = getattr(record, attribute)
    if value is None:
        raise ValueError(f"field {attribute!r} is empty: it has no key")
    return value.encode() if isinstance(value, str) else msgspec.json.encode(value)


OPTION = "--partition-by"

HEADERS_BYTES = 65_536
"""How much a message may grow in the first stage, which adds its key and its position."""


def serve_first(model: Served, broker: BrokerSettings, settings: ServeSettings, audience: TelemetrySink) -> None:
    """Run the first stage: produce each input message with the key by which records are grouped; see `serve`.

    Raises:
        ConfigurationError: the record has no such field, or the intermediate topic does not fit the input.
    """
    between, largest = _prepare(broker, settings)
    attribute = attribute_of(Schema(model.record), settings.partition_by or "", "partition_by")
    own = replace(settings, output=between, partition_by=None)
    options = {"message.max.bytes": str(largest), **broker.options}
    serve(Keys(model, attribute), replace(broker, group=between, options=options), own, audience, Repartitioner)


def serve_second(model: Served, broker: BrokerSettings, settings: ServeSettings, audience: TelemetrySink) -> None:
    """Run the second stage: serve everything that the first stage has produced, from the start; see `serve`.

    Raises:
        ConfigurationError: as for the first stage.
    """
    between, _ = _prepare(broker, settings)
    serve(model, broker, replace(settings, input=between, start="earliest"), audience)


def _prepare(broker: BrokerSettings, settings: ServeSettings) -> tuple[str, int]:
    """Create the intermediate topic if it does not exist, with the input's partition count and retention.

    An existing topic keeps its number of partitions, because the second stage's state is partitioned by it.

    Returns:
        Its name, and the size in bytes of the largest message that it must accept.
    """
    check_names(broker, settings)
    topic = topic_between(broker.group, settings.partition_by or "")
    cluster = Cluster(Connection(broker))
    cluster.preflight(broker.patience)
    partitions = cluster.partitions(settings.input)
    kept = retry(partial(cluster.retention, settings.input), timedelta(seconds=10))
    largest = int(kept["max.message.bytes"]) + HEADERS_BYTES
    cluster.ensure(topic, partitions, kept | {"max.message.bytes": str(largest)})
    return topic, largest
