"""`makiserve --input … --output …`: serve in this process, or supervise workers."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import nullcontext
from dataclasses import replace
from functools import partial

from makiserve.cli.worker_process import COMMAND, Job
from makiserve.errors import ConfigurationError, PipelineChanged
from makiserve.monitoring import Board, WebServer, address_from_text
from makiserve.serving import serve
from makiserve.serving.repartition import serve_first_stage, serve_second_stage
from makiserve.serving.signals import stop_on_signals
from makiserve.serving.supervisor import Supervisor
from makiserve.serving.worker_slot import WorkerSpec
from makiserve.settings import BrokerSettings, LogSettings, ModelSettings, ServeSettings, WebSettings, is_alias

logger = logging.getLogger(__name__)


def serve_topic(
    what: ModelSettings, broker: BrokerSettings, settings: ServeSettings, web: WebSettings, log: LogSettings
) -> int:
    """Serve until a signal requests a stop, with a status page, and return the exit code."""
    _check(what, settings)
    stages = 1 if settings.partition_by is None else 2
    board, address = Board(stages * settings.workers, settings.output), address_from_text(web.http)
    with WebServer(board, address) if address else nullcontext():
        if stages * settings.workers > 1:
            return _supervise(board, what, broker, settings, log)
        try:
            Job("worker", serve, what, broker, settings, log).run(partial(board.post, "worker"))
        except PipelineChanged as error:
            _restart(error)
        return 0


def _check(what: ModelSettings, settings: ServeSettings) -> None:
    if settings.watch is not None:
        require_alias(what)
    if what.split and settings.partition_by:
        raise ConfigurationError(
            "--split assigns records by message key, and --partition-by replaces the keys, so a replay would split "
            "differently. Use only one of them"
        )
    if (settings.shadow is None) != (settings.shadow_output is None):
        raise ConfigurationError("--shadow and --shadow-output must be given together")


def require_alias(what: ModelSettings) -> None:
    """Refuse --watch for a model that is not named by an alias.

    Raises:
        ConfigurationError: the model is not named by an alias.
    """
    if not is_alias(what.model):
        raise ConfigurationError(
            "--watch follows an alias, but --model does not name one: give --model models:/NAME@ALIAS"
        )


def _restart(reason: PipelineChanged) -> None:
    """Replace this process by a new one with the same command, as the supervisor does for its workers."""
    logger.info("restarting the process: %s", reason)
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606  our own command


def _supervise(
    board: Board, what: ModelSettings, broker: BrokerSettings, settings: ServeSettings, log: LogSettings
) -> int:
    stages = {"keys": serve_first_stage, "worker": serve_second_stage} if settings.partition_by else {"worker": serve}
    jobs = [
        Job(f"{name} {number}", serve_stage, what, _numbered(broker, number), settings, log)
        for name, serve_stage in stages.items()
        for number in range(1, settings.workers + 1)
    ]
    supervisor = Supervisor(COMMAND, [WorkerSpec(job.name, job) for job in jobs], board.post_bytes)
    with stop_on_signals() as stop:
        return supervisor.run(stop)


def _numbered(broker: BrokerSettings, number: int) -> BrokerSettings:
    """Return the settings of a worker: each has a separate name, which stays the same across restarts."""
    return replace(broker, instance=f"{broker.instance}.{number}") if broker.instance else broker
