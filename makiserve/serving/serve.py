"""Serve: check everything that can be checked, then start the worker."""

from __future__ import annotations

import logging
import math
import time

from makiserve.errors import ConfigurationError, Fenced, PipelineError
from makiserve.kafka import Cluster, Connection, Limits
from makiserve.scoring import Scorer, Served
from makiserve.serving.letters.topic import SETTINGS as DEAD_LETTER_SETTINGS
from makiserve.serving.letters.topic import require_room
from makiserve.serving.publisher import Publisher
from makiserve.serving.signals import stop_on_signals
from makiserve.serving.state.check import check_state
from makiserve.serving.state.topic import prepare_state_topic
from makiserve.serving.swapping.watch import Watch
from makiserve.serving.telemetry import Audience
from makiserve.serving.worker import Worker
from makiserve.settings import BrokerSettings, ServeSettings

logger = logging.getLogger(__name__)

FIGHT_S = 60.0
"""Two instances of one name fence each other within this time."""


def serve(
    model: Served,
    broker: BrokerSettings,
    settings: ServeSettings,
    audience: Audience = Audience(),  # noqa: B008  frozen
    publisher: type[Publisher] = Publisher,
) -> None:
    """Serve a model until a signal asks to stop, and drain.

    Args:
        model: the packaged model, its reference records checked.
        broker: how to reach the broker.
        settings: what to serve from where to where.
        audience: who is told how it goes.
        publisher: makes messages of what is scored.

    Raises:
        PipelineError: the pipeline hides its state.
        ConfigurationError: a topic is missing, or does not fit the input.
        BrokerUnavailable: no broker answers.
        Fenced: another instance of the same name has taken over.
        StateError: the state cannot be rebuilt.
        AnotherPipeline: a fresh process must go on, with another version of the model.
    """
    scorer = model.scorer(is_tracked=True)
    if hidden := scorer.hidden:
        raise PipelineError(
            f"the pipeline of {model.uri} keeps state that cannot be saved and restored: it can be replayed, but not "
            f"served: {'; '.join(hidden)}"
        )
    check_state(scorer, model.sample)
    partitions = _check_topics(scorer, broker, settings)
    fenced_at, watch = -math.inf, None
    if settings.watch is not None and model.registry:
        watch = Watch(model.registry, settings.watch, settings.on_state_loss, model)
    with stop_on_signals() as stop:
        while not stop.asked:
            worker = Worker(model, broker, settings, partitions, stop, audience, publisher, watch)
            logger.info("serving %s: %s → %s, group %s", model.uri, settings.input, settings.output, broker.group)
            try:
                worker.run()
            except Fenced as error:
                _refuse_to_fight(error, broker, time.monotonic() - fenced_at)
                if stop.asked:
                    raise
                fenced_at, model = time.monotonic(), worker.model
                logger.warning("%s: beginning anew, from what is committed", error)


def _refuse_to_fight(error: Fenced, broker: BrokerSettings, since_s: float) -> None:
    """Once, the transaction may have taken too long. Twice in a row somebody else goes by this name, and is there."""
    if broker.instance and since_s < FIGHT_S:
        raise Fenced(
            f"{error}. Another instance named {broker.instance} has taken over: give each instance a name of its own"
        ) from error


def _check_topics(scorer: Scorer, broker: BrokerSettings, settings: ServeSettings) -> int:
    """Refuse what cannot work before anything is read; the number of the input's partitions."""
    if settings.input in (settings.output, settings.dead_letters):
        raise ConfigurationError(f"the input {settings.input} cannot be an output too: it would read what it writes")
    if settings.shadow_output in (settings.input, settings.output, settings.dead_letters):
        raise ConfigurationError(f"what the shadow says needs a topic of its own, other than {settings.shadow_output}")
    if settings.output == settings.dead_letters:
        raise ConfigurationError(f"dead letters cannot go to {settings.output}: who reads it expects predictions")
    cluster = Cluster(Connection(broker))
    cluster.preflight(broker.patience)
    inputs = cluster.partitions(settings.input)
    for output in filter(None, (settings.output, settings.shadow_output)):
        if (outputs := cluster.partitions(output)) < inputs:
            raise ConfigurationError(
                f"topic {output} has {outputs} partitions, {settings.input} has {inputs}: a prediction goes to "
                f"the partition of its record, so that it needs at least {inputs}"
            )
    cluster.create_if_absent(settings.dead_letters, inputs, DEAD_LETTER_SETTINGS)
    limits = Limits(Connection(broker), [settings.dead_letters])
    limits.read()
    require_room(settings.dead_letters, limits.of[settings.dead_letters])
    if not scorer.stateless:
        prepare_state_topic(cluster, broker.group, inputs, settings.on_state_loss)
    return inputs
