"""`makiserve --input … --output …`: serve here, or supervise workers that do."""

from __future__ import annotations

import logging
from dataclasses import replace

from makiserve.cli.served import load_served
from makiserve.cli.worker import COMMAND, Job
from makiserve.serving import serve
from makiserve.serving.post import Task
from makiserve.serving.rekeying import serve_first, serve_second
from makiserve.serving.signals import stop_on_signals
from makiserve.serving.supervisor import Supervisor
from makiserve.settings import BrokerSettings, LogSettings, ModelSettings, ServeSettings

logger = logging.getLogger(__name__)


def serve_topic(what: ModelSettings, broker: BrokerSettings, settings: ServeSettings, log: LogSettings) -> int:
    """Serve until a signal asks to stop; the exit code."""
    if settings.workers == 1 and settings.partition_by is None:
        serve(load_served(what), broker, settings)
        return 0
    stages = {"keys": serve_first, "worker": serve_second} if settings.partition_by else {"worker": serve}
    jobs = [
        Job(f"{name} {number}", how, what, _numbered(broker, number), settings, log)
        for name, how in stages.items()
        for number in range(1, settings.workers + 1)
    ]
    supervisor = Supervisor(COMMAND, [Task(job.name, job) for job in jobs], lambda name, report: None)
    with stop_on_signals() as stop:
        return supervisor.run(stop)


def _numbered(broker: BrokerSettings, number: int) -> BrokerSettings:
    """Each worker has a name of its own, that stays over restarts as the instance's does."""
    return replace(broker, instance=f"{broker.instance}.{number}") if broker.instance else broker
