"""The composition root: build a worker from the settings of a service."""

from __future__ import annotations

from makiserve.kafka import (
    Connection,
    InputConsumer,
    Limits,
    OffsetsClient,
    TransactionalProducer,
    background_decoder,
    own_key,
)
from makiserve.kafka.intermediate_topic import input_key
from makiserve.serving.assignment import Assignment
from makiserve.serving.commit import Committer
from makiserve.serving.group_monitor import GroupMonitor
from makiserve.serving.processor import Processor
from makiserve.serving.publisher import Publisher
from makiserve.serving.retry import RetryPolicy
from makiserve.serving.rollout.alias_watcher import AliasWatcher
from makiserve.serving.rollout.rollout import Rollout
from makiserve.serving.schedule import AdaptiveBatchSizer, Schedule
from makiserve.serving.scoring_processor import ScoringProcessor
from makiserve.serving.sender import Sender
from makiserve.serving.signals import Stop
from makiserve.serving.state.offset_metadata import StateIdentity
from makiserve.serving.state.restorer import Restorer
from makiserve.serving.state.state_topic import state_topic
from makiserve.serving.telemetry import LagTracker, StateSizer, Telemetry, TelemetrySink
from makiserve.serving.topics import Partitions
from makiserve.serving.transactions import Transactions
from makiserve.serving.worker import Worker
from makiserve.settings import BrokerSettings, ServeSettings


def assemble(
    processor: Processor,
    broker: BrokerSettings,
    settings: ServeSettings,
    partitions: Partitions,
    stop: Stop,
    sink: TelemetrySink = TelemetrySink(),  # noqa: B008  frozen
    watch: AliasWatcher | None = None,
    monitor: GroupMonitor | None = None,
) -> Worker:
    """Return a worker that is ready to join the group; the transactions of an earlier instance are ended.

    Args:
        processor: what the worker does with its records.
        broker: connection settings.
        settings: input and output topics, and how to serve.
        partitions: partition counts of the topics.
        stop: the request to stop.
        sink: receives the telemetry.
        watch: source of other model versions; None if only one is served.
        monitor: inspects the group and its topics; None to skip this.

    Raises:
        BrokerUnavailable: the broker has been unreachable for too long.
        Fenced: another instance has taken over.
        ConfigurationError: the warm-up file does not fit the partitions.
    """
    connection, key_of = Connection(broker), input_key if settings.partition_by else own_key
    decoder = background_decoder(processor.schema, broker, key_of)
    topic = None if processor.fingerprint is None else state_topic(broker.group)
    expected = StateIdentity(processor.fingerprint, processor.digest, partitions.input, settings.input)

    limits = Limits(connection, filter(None, (settings.output, settings.dead_letters, settings.shadow_output, topic)))
    limits.read()
    producer = TransactionalProducer(connection, limits.smallest_bytes)
    producer.init(broker.startup_timeout)
    consumer = InputConsumer(connection, settings.input)

    lag, sizes = LagTracker(consumer.end_offset), StateSizer(processor)
    telemetry = Telemetry(sink, processor.service(broker), lag, sizes, processor.profile)
    sender = Sender(producer, limits)
    past = None
    if topic and settings.warm_up_file and isinstance(processor, ScoringProcessor):
        past = processor.warm_up_file(settings.warm_up_file, partitions.input)
    lookup = OffsetsClient(connection, settings.input)
    restorer = Restorer(lookup, settings, processor, expected, topic, past)
    assignment = Assignment(consumer, restorer, processor.model_version)
    committer = Committer(producer, consumer, RetryPolicy(stop, telemetry.heartbeat), topic, expected)
    rollout = None
    if isinstance(processor, ScoringProcessor):
        rollout = Rollout(
            processor, assignment, watch, lambda model: telemetry.switched(processor.service(broker), model.profile)
        )
    return Worker(
        processor,
        consumer,
        decoder,
        producer,
        limits,
        assignment,
        Transactions(committer, assignment, sender, Schedule(settings.commit_interval), telemetry),
        Publisher(sender, settings, partitions.dead_letters),
        telemetry,
        rollout,
        monitor,
        AdaptiveBatchSizer(settings.commit_interval, settings.max_batch),
        stop,
        partitions.input,
    )
