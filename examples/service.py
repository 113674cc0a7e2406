"""The service of the examples: `makiserve` in a separate process, and a live view of its outputs."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from confluent_kafka import Consumer, TopicPartition
from rich.table import Table

from examples.broker import Broker

ROOT = Path(__file__).resolve().parents[1]
LOG = ROOT / ".cache" / "demo" / "makiserve.log"
SHOWN = 8


class Output(NamedTuple):
    """A served prediction.

    Attributes:
        source: offset of the input record.
        value: value of the output message.
    """

    source: int
    value: bytes


class Service:
    """`makiserve` in a separate process, and a reader of its output topic. Leaving the context kills the process."""

    def __init__(self, model: str, broker: Broker, input_: str, output: str) -> None:
        self.outputs: list[Output] = []
        options = [part for pair in broker.options.items() for part in ("--kafka", "=".join(pair))]
        self.command = ["--model", model, "--input", input_, "--output", output, "--http", "127.0.0.1:0", *options]
        LOG.parent.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(  # noqa: S603  our own command
            [sys.executable, "-m", "makiserve", *self.command, "--bootstrap-servers", broker.servers],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stderr=LOG.open("w"),
        )
        settings = {"bootstrap.servers": broker.servers, "group.id": uuid.uuid4().hex, "log_level": 0}
        self._consumer = Consumer(settings | {"isolation.level": "read_committed", "fetch.wait.max.ms": 10})
        self._consumer.assign([TopicPartition(output, 0, 0)])

    def read(self) -> None:
        """Read the outputs written since the last call."""
        for message in self._consumer.consume(1000, 0.2):
            if message.error() is None:
                source = dict(message.headers())["makiserve.source"].decode()
                self.outputs.append(Output(int(source.rpartition("@")[2]), message.value()))
        if self._process.poll():
            raise SystemExit(f"the service exited with code {self._process.returncode}:\n{LOG.read_text()}")

    def wait_until_ready(self, seconds: float) -> None:
        """Wait until the service has loaded and checked the model and owns its partitions."""
        deadline = time.monotonic() + seconds
        while "→ running" not in LOG.read_text():
            self.read()
            if time.monotonic() > deadline:
                raise SystemExit(f"the service is not ready after {seconds:.0f} s:\n{LOG.read_text()}")

    @property
    def status_page(self) -> str:
        """The address of the status page, from the service's log."""
        address = re.search(r"http://[\w.:]+", LOG.read_text())
        return address[0] if address else "see the log"

    def stop(self) -> None:
        """Drain the service, wait until it exits, and read the remaining outputs."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=60)
        self.read()

    def view(self, sent: int, seconds: float) -> Table:
        """Return a table of the last predictions; its title has the counts and the rate."""
        title = f"{sent:,} flights sent ({sent / max(seconds, 1e-9):,.0f}/s), {len(self.outputs):,} predictions served"
        table = Table(title=title, title_justify="left", min_width=len(title))
        table.add_column("record", justify="right")
        table.add_column("arrival delay [min]", justify="right")
        for output in self.outputs[-SHOWN:]:
            table.add_row(f"flights[0]@{output.source}", f"{json.loads(output.value)['prediction']:.1f}")
        return table

    def __enter__(self) -> Service:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()
        if self._process.returncode is None:
            self._process.kill()
            self._process.wait()
