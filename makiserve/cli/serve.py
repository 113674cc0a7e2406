"""`makiserve --input … --output …`: serve here, or supervise workers that do."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import nullcontext
from dataclasses import replace
from functools import partial

from makiserve.cli.worker import COMMAND, Job
from makiserve.errors import ConfigurationError, PipelineChanged
from makiserve.monitoring import Board, WebServer, address_from_text
from makiserve.serving import serve
from makiserve.serving.repartition import serve_first, serve_second
from makiserve.serving.signals import stop_on_signals
from makiserve.serving.supervisor import Supervisor
from makiserve.serving.worker_slot import WorkerSpec
from makiserve.settings import BrokerSettings, LogSettings, ModelSettings, ServeSettings, WebSettings, is_alias

logger = logging.getLogger(__name__)


def serve_topic(
    what: ModelSettings, broker: BrokerSettings, settings: ServeSettings, web: WebSettings, log: LogSettings
) -> int:
    """Serve until a signal asks to stop, and show how it goes; the exit code."""
    _check(what, settings)
    stages = 1 if settings.partition_by is None else 2
    board, address = Board(stages * settings.workers, settings.output), address_from_text(web.http)
    with WebServer(board, address) if address else nullcontext():
        if stages * settings.workers > 1:
            return _supervise(board, what, broker, settings, log)
        try:
            Job("worker", serve, what, broker, settings, log).run(partial(board.post, "worker"))
        except PipelineChanged as error:
            _begin_anew(error)
        return 0


def _check(what: ModelSettings, settings: ServeSettings) -> None:
    if settings.watch is not None:
        require_alias(what)
    if what.split and settings.partition_by:
        raise ConfigurationError(
            "--split goes by the keys of the messages, and --partition-by replaces them: a replay would split otherwise"
        )
    if (settings.shadow is None) != (settings.shadow_output is None):
        raise ConfigurationError("--shadow and --shadow-output belong together: give both")


def require_alias(what: ModelSettings) -> None:
    """Refuse to watch what never changes.

    Raises:
        ConfigurationError: the model is not named by an alias.
    """
    if not is_alias(what.model):
        raise ConfigurationError(
            "--watch looks whether an alias names another version: give --model models:/NAME@ALIAS"
        )


def _begin_anew(why: PipelineChanged) -> None:
    """Become a fresh process with the same command, as a supervised worker is by its supervisor."""
    logger.info("%s: this process begins anew", why)
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606  our own command


def _supervise(
    board: Board, what: ModelSettings, broker: BrokerSettings, settings: ServeSettings, log: LogSettings
) -> int:
    stages = {"keys": serve_first, "worker": serve_second} if settings.partition_by else {"worker": serve}
    jobs = [
        Job(f"{name} {number}", how, what, _numbered(broker, number), settings, log)
        for name, how in stages.items()
        for number in range(1, settings.workers + 1)
    ]
    supervisor = Supervisor(COMMAND, [WorkerSpec(job.name, job) for job in jobs], board.post_bytes)
    with stop_on_signals() as stop:
        return supervisor.run(stop)


def _numbered(broker: BrokerSettings, number: int) -> BrokerSettings:
    """Each worker has a name of its own, that stays over restarts as the instance's does."""
    return replace(broker, instance=f"{broker.instance}.{number}") if broker.instance else broker
