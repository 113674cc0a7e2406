"""Repartition records by another key in a first stage: `--partition-by`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec

from makiserve.errors import DecodeError, OperatorError, RecordError
from makiserve.kafka import BY_KEY, Cluster, Connection, Message, retry
from makiserve.kafka.headers import model_headers
from makiserve.kafka.intermediate_topic import intermediate_topic
from makiserve.monitoring.snapshot import PipelineStep, Service
from makiserve.records import Record, Schema
from makiserve.records.emitted_fields import attribute_of
from makiserve.scoring import Batch, Lane, Served
from makiserve.serving.batches import Slice
from makiserve.serving.messages import Draft, origin, original_key
from makiserve.serving.processor import Processed
from makiserve.serving.rollout.scorers import model_version_of
from makiserve.serving.service import run_processor, serve
from makiserve.serving.telemetry import TelemetrySink, describe_service
from makiserve.serving.topics import check_names
from makiserve.settings import BrokerSettings, ServeSettings

OPTION = "--partition-by"


class Repartitioner:
    """Produces each message with another key, to the partition that Java clients would choose; a `Processor`.

    Args:
        model: the model that the second stage serves; it defines the records.
        attribute: the field of the record to use as the key.
        settings: the settings of the first stage.
    """

    keeps_partition = False
    has_challenger = False
    fingerprint = None
    checkpoints = ()
    keys = None
    profile = None

    def __init__(self, model: Served, attribute: str, settings: ServeSettings) -> None:
        self._model, self._attribute, self._settings = model, attribute, settings
        self.schema = Schema(model.record, settings.na_values or None)
        self._headers = model_headers(model)
        self._operator = f"{OPTION} {attribute}"
        self.uri = f"{model.uri}, keys from {attribute}"
        self.model_version = model_version_of(model)
        self.digest = model.digest

    def service(self, broker: BrokerSettings) -> Service:
        described = describe_service(self._model, (), broker, self._settings)
        step = PipelineStep(self._operator, self._operator)
        return msgspec.structs.replace(described, uri=self.uri, pipelines=(("key", (step,)),), companions=())

    def new_lane(self) -> Lane:
        return Lane([])

    def challenged(self, keys: Sequence[bytes | None] | None, place: str, offsets: Sequence[int]) -> None:
        return None

    def rebuild(self, batch: Batch) -> None:
        """Return at once: a first stage keeps no state."""

    def rebuilder(self, model_version: str) -> None:
        return None

    def process(self, slices: Sequence[Slice]) -> tuple[list[Processed], float]:
        return [self.processed(slice_.messages, slice_.batch) for slice_ in slices], 0.0

    def processed(self, messages: list[Message], batch: Batch) -> Processed:
        """Return the messages of a batch with their new keys; a record without a key is a dead letter."""
        made = Processed([], [], [], [], [self._headers] * len(messages), {})
        for index, record in enumerate(batch.records):
            key = record if isinstance(record, DecodeError) else self._key(record)
            if isinstance(key, RecordError):
                made.dead.append((index, key))
                continue
            received = made.origins[index] = origin(messages[index])
            made.causes.append(index)
            made.values.append(key)
            made.drafts.append(Draft(received, BY_KEY, key, messages[index].value(), original_key(received)))
        return made

    def _key(self, record: Record) -> bytes | OperatorError:
        try:
            return key_of(self._attribute, record)
        except (TypeError, ValueError) as error:
            failed = OperatorError(f"{self._operator}: {error}", operator=self._operator, item=record)
            failed.__cause__ = error
            return failed


def key_of(attribute: str, record: Any) -> bytes:
    """Return the key of a record: text as is, anything else as JSON.

    Raises:
        ValueError: the field is empty, so the record has no key.
    """
    value = getattr(record, attribute)
    if value is None:
        raise ValueError(f"field {attribute!r} is empty, so the record has no key")
    return value.encode() if isinstance(value, str) else msgspec.json.encode(value)


HEADERS_BYTES = 65_536
"""How much a message may grow in the first stage, which adds its key and its position."""


def serve_first_stage(model: Served, broker: BrokerSettings, settings: ServeSettings, sink: TelemetrySink) -> None:
    """Run the first stage: produce each input message with the key by which records are grouped; see `serve`.

    Raises:
        ConfigurationError: the record has no such field, or the intermediate topic does not fit the input.
    """
    attribute, intermediate, largest = _prepare(model, broker, settings)
    stage_settings = replace(settings, output=intermediate, partition_by=None)
    options = {"message.max.bytes": str(largest), **broker.options}
    keyed = replace(broker, group=intermediate, options=options)
    check_names(keyed, stage_settings)
    run_processor(Repartitioner(model, attribute, stage_settings), keyed, stage_settings, sink)


def serve_second_stage(model: Served, broker: BrokerSettings, settings: ServeSettings, sink: TelemetrySink) -> None:
    """Run the second stage: serve everything that the first stage has produced, from the start; see `serve`.

    Raises:
        ConfigurationError: as for the first stage.
    """
    _, intermediate, _ = _prepare(model, broker, settings)
    serve(model, broker, replace(settings, input=intermediate, start="earliest"), sink)


def _prepare(model: Served, broker: BrokerSettings, settings: ServeSettings) -> tuple[str, str, int]:
    """Check the field and the names, then create the intermediate topic, with as many partitions as the input.

    An existing topic keeps its number of partitions, because the state of the second stage is partitioned by it.

    Returns:
        The attribute of the records, the name of the topic, and the size in bytes of its largest message.

    Raises:
        ConfigurationError: the record has no such field, or a name is not allowed. Nothing was created.
    """
    attribute = attribute_of(Schema(model.record), settings.partition_by or "", "partition_by")
    check_names(broker, settings)
    topic = intermediate_topic(broker.group, settings.partition_by or "")
    cluster = Cluster(Connection(broker))
    cluster.preflight(broker.startup_timeout)
    partitions = cluster.partitions(settings.input)
    kept = retry(partial(cluster.retention, settings.input), timedelta(seconds=10))
    largest = int(kept["max.message.bytes"]) + HEADERS_BYTES
    cluster.ensure(topic, partitions, kept | {"max.message.bytes": str(largest)})
    return attribute, topic, largest
