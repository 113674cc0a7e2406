"""Serve: check everything that can be checked, then start the worker."""

from __future__ import annotations

import gc
import logging
import math
import time
from dataclasses import replace

from makiserve.errors import Fenced, PipelineError, TopicsChanged
from makiserve.kafka import Cluster, Connection, GroupInspector, Limits, check_registry
from makiserve.scoring import Served
from makiserve.serving.assemble import assemble
from makiserve.serving.group_monitor import GroupMonitor
from makiserve.serving.output_format import OutputFormats
from makiserve.serving.processor import Processor
from makiserve.serving.retry import Retries
from makiserve.serving.rollout.alias_watcher import AliasWatcher
from makiserve.serving.scoring_processor import ScoringProcessor
from makiserve.serving.signals import stop_on_signals
from makiserve.serving.state.state_topic import check_state, state_topic
from makiserve.serving.telemetry import TelemetrySink
from makiserve.serving.topics import Partitions, check_names, prepare_topics, require_dead_letter_room
from makiserve.settings import BrokerSettings, ServeSettings

logger = logging.getLogger(__name__)

FENCED_AGAIN_S = 60.0
"""Two instances with the same name fence each other within this time."""

MAX_RESTARTS = 10
"""After this many restarts in a row, another restart would not help."""

MAX_RESTART_PAUSE_S = 30.0


def serve(
    model: Served,
    broker: BrokerSettings,
    settings: ServeSettings,
    sink: TelemetrySink = TelemetrySink(),  # noqa: B008  frozen
) -> None:
    """Serve a model until a signal arrives, then drain.

    Args:
        model: the packaged model, already verified with its reference records.
        broker: connection settings.
        settings: input and output topics, and how to serve.
        sink: receives the telemetry.

    Raises:
        PipelineError: the pipeline keeps state that cannot be saved and restored.
        ConfigurationError: a topic is missing or does not fit the input, or the registry does not have the schema of
            the outputs.
        ModelRefused: the schema of the outputs is not compatible with those before it.
        BrokerUnavailable: no broker responds.
        SchemaRegistryUnavailable: the schema registry does not respond.
        Fenced: another instance with the same name has taken over.
        StateError: the state cannot be rebuilt.
        PipelineChanged: a new process must continue with another model version.
    """
    formats = OutputFormats(broker, settings)
    processor = ScoringProcessor(model, settings, formats)
    if hidden := processor.scorer.hidden:
        raise PipelineError(
            f"the pipeline of {model.uri} keeps state that cannot be saved and restored, so it can be replayed "
            f"but not served: {'; '.join(hidden)}"
        )
    # The second stage of --partition-by reads the topic that belongs to the option; both stages have checked it before.
    check_names(broker, replace(settings, partition_by=None))
    check_state(processor.scorer, model.sample)
    watch = None
    if settings.watch is not None and model.registry:
        watch = AliasWatcher(model.registry, settings.watch, settings.on_state_loss, model, formats.prepare)
    run_processor(processor, broker, settings, sink, watch)


def run_processor(
    processor: Processor,
    broker: BrokerSettings,
    settings: ServeSettings,
    sink: TelemetrySink,
    watch: AliasWatcher | None = None,
) -> None:
    """Check the topics, then process their records until a signal arrives; restart after errors that allow it.

    Args:
        processor: what to do with the records.
        broker: connection settings.
        settings: input and output topics, and how to serve.
        sink: receives the telemetry.
        watch: source of other model versions; None if only one is served.

    Raises:
        MakiserveError: see `serve`.
    """
    connection, has_state = Connection(broker), processor.fingerprint is not None

    def prepare() -> Partitions:
        cluster = Cluster(connection)
        cluster.preflight(broker.startup_timeout)
        partitions = prepare_topics(
            cluster, broker, settings, has_state=has_state, keeps_partition=processor.keeps_partition
        )
        limits = Limits(connection, [settings.dead_letters])
        limits.read()
        require_dead_letter_room(settings.dead_letters, limits.of[settings.dead_letters])
        return partitions

    check_registry(broker)
    partitions = prepare()
    topics = {settings.input, settings.output, settings.dead_letters, *filter(None, [settings.shadow_output])}
    topics |= {state_topic(broker.group)} if has_state else set()
    monitor = GroupMonitor(
        GroupInspector(connection, settings.input), settings.input, topics, connection.session.total_seconds()
    )
    fenced_at, restarts = -math.inf, Retries(MAX_RESTART_PAUSE_S)
    gc.collect()
    gc.freeze()  # otherwise the loop would stop for a walk through all that was imported, again and again
    with stop_on_signals() as stop:
        while not stop.is_requested:
            worker = assemble(processor, broker, settings, partitions, stop, sink, watch, monitor)
            logger.info("serving %s: %s → %s, group %s", processor.uri, settings.input, settings.output, broker.group)
            try:
                worker.run()
            except Fenced as error:
                _raise_if_fenced_again(error, broker, time.monotonic() - fenced_at)
                if stop.is_requested or restarts.count >= MAX_RESTARTS:
                    raise
                fenced_at = time.monotonic()
                logger.warning("%s: restarting from the last committed offset", error)
            except TopicsChanged as error:
                if stop.is_requested or restarts.count >= MAX_RESTARTS:
                    raise
                logger.warning("%s: checking all topics, then restarting from the last committed offset", error)
                monitor.restart()
                partitions = prepare()
            if not stop.is_requested:
                time.sleep(restarts.failed())


def _raise_if_fenced_again(error: Fenced, broker: BrokerSettings, since_s: float) -> None:
    """Raise if a named instance is fenced twice in a short time: another instance has its name, or it is too slow."""
    if broker.instance and since_s < FENCED_AGAIN_S:
        raise Fenced(
            f"{error}. Another instance named {broker.instance} has taken over: give each instance a different name. "
            "If no other has this name, transactions take longer than transaction.timeout.ms: restart it with "
            "more CPU"
        ) from error
