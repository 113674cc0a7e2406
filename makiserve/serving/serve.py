"""Serve: check everything that can be checked, then start the worker."""

from __future__ import annotations

import logging

from makiserve.errors import ConfigurationError, Fenced, PipelineError
from makiserve.kafka import Cluster, Connection
from makiserve.scoring import Served
from makiserve.serving.publisher import Publisher
from makiserve.serving.signals import Stop, stop_on_signals
from makiserve.serving.worker import Worker
from makiserve.settings import BrokerSettings, ServeSettings

logger = logging.getLogger(__name__)


def serve(
    model: Served, broker: BrokerSettings, settings: ServeSettings, publisher: type[Publisher] = Publisher
) -> None:
    """Serve a model until a signal asks to stop, and drain.

    Args:
        model: the packaged model, its reference records checked.
        broker: how to reach the broker.
        settings: what to serve from where to where.
        publisher: makes messages of what is scored.

    Raises:
        PipelineError: the pipeline hides its state.
        ConfigurationError: a topic is missing, or does not fit the input.
        BrokerUnavailable: no broker answers.
        Fenced: another instance of the same name has taken over.
        StateError: the state cannot be rebuilt.
    """
    if hidden := model.scorer().hidden:
        raise PipelineError(
            f"the pipeline of {model.uri} keeps state that cannot be saved and restored: it can be replayed, but not "
            f"served: {'; '.join(hidden)}"
        )
    dead_partitions = _check_topics(broker, settings)
    with stop_on_signals() as stop:
        while not stop.asked:
            worker = Worker(model, broker, settings, dead_partitions, stop, publisher)
            logger.info("serving %s: %s → %s, group %s", model.uri, settings.input, settings.output, broker.group)
            try:
                worker.run()
            except Fenced as error:
                _refuse_to_fight(error, broker, stop)
                logger.warning("%s: beginning anew, from what is committed", error)


def _refuse_to_fight(error: Fenced, broker: BrokerSettings, stop: Stop) -> None:
    """Only an instance without a name may begin anew: nobody else has its transactions, so they took too long."""
    if broker.instance:
        raise Fenced(
            f"{error}. Another instance named {broker.instance} has taken over, or the broker was away for longer than "
            "a transaction may take: start again unless the other one runs"
        ) from error
    if stop.asked:
        raise error


def _check_topics(broker: BrokerSettings, settings: ServeSettings) -> int:
    """Refuse what cannot work before anything is read; the number of partitions for dead letters."""
    if settings.input in (settings.output, settings.dead_letters):
        raise ConfigurationError(f"the input {settings.input} cannot be an output too: it would read what it writes")
    if settings.output == settings.dead_letters:
        raise ConfigurationError(f"dead letters cannot go to {settings.output}: who reads it expects predictions")
    cluster = Cluster(Connection(broker))
    cluster.preflight(broker.patience)
    inputs, outputs = cluster.partitions(settings.input), cluster.partitions(settings.output)
    if outputs < inputs:
        raise ConfigurationError(
            f"topic {settings.output} has {outputs} partitions, {settings.input} has {inputs}: a prediction goes to "
            f"the partition of its record, so that it needs at least {inputs}"
        )
    cluster.create_if_absent(settings.dead_letters, inputs, {})
    return inputs
