"""The job of a worker process: the only process of a service, or one that the supervisor starts."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import msgspec

from makiserve.cli.exit import THRESHOLD, exit_with
from makiserve.cli.logs import set_up_logging
from makiserve.monitoring.snapshot import Snapshot
from makiserve.scoring import Served
from makiserve.serving.telemetry import TelemetrySink, tracing
from makiserve.serving.worker_slot import ControlPipe
from makiserve.settings import BrokerSettings, LogSettings, ModelSettings, ServeSettings

COMMAND = [sys.executable, "-c", "from makiserve.cli.worker_process import main; main()"]
"""The command that the supervisor starts. Settings arrive through the pipe, because files may have changed."""


class Job(NamedTuple):
    """The task of one process.

    Attributes:
        name: its name in logs.
        serve: the function that serves: everything, or one of the two stages of --partition-by.
    """

    name: str
    serve: Callable[[Served, BrokerSettings, ServeSettings, TelemetrySink], None]
    what: ModelSettings
    broker: BrokerSettings
    settings: ServeSettings
    log: LogSettings

    def run(self, publish: Callable[[Snapshot], None]) -> None:
        """Serve until asked to drain, and publish snapshots."""
        from makiserve.artifact import load_versioned  # MLflow, which a supervisor does not need

        with tracing() as spans:
            served = load_versioned(self.what, self.settings.shadow)
            gc.set_threshold(*THRESHOLD)  # a loop should stop often and shortly, not seldom and for longer
            self.serve(served, self.broker, self.settings, TelemetrySink(self.name, publish, spans))


def main() -> None:
    """Run the job that the supervisor sends through the pipe."""
    pipe = ControlPipe(int(sys.argv[-1]))
    job: Job = pipe.job

    def report(snapshot: Snapshot) -> None:
        pipe.report(msgspec.msgpack.encode(snapshot))

    set_up_logging(job.log.log_format, job.name)
    exit_with(partial(job.run, report), f"makiserve {job.name}")
