"""What is counted: first of the open transaction, and, when that is committed, of the service."""

from __future__ import annotations

import time
from collections import Counter

from makiserve.kafka import NO_TIME, Message
from makiserve.serving.publisher import Published
from makiserve.serving.telemetry.observed import Observed
from makiserve.web.histogram import BATCH_RECORDS, LATENCY_S

SAMPLES = 8
"""How many records of a batch and partition the latency is measured on, at most."""


class Counts:
    """Records, outputs and dead letters, each counted once: what is aborted and scored again was never there.

    Attributes:
        commits: since the start; likewise `aborts`, `rebalances` and `swaps`.
        batch: records a batch.
        latency: seconds from a record's timestamp to its commit.
    """

    def __init__(self) -> None:
        self.records = self.outputs = self.commits = self.aborts = self.rebalances = self.swaps = 0
        self.dropped_headers = 0
        self.dead: Counter[str] = Counter()
        self.batch = Observed(BATCH_RECORDS)
        self.latency = Observed(LATENCY_S)
        self._clear()

    def add(self, messages: list[Message], published: Published) -> None:
        """Records of one partition have been scored and published."""
        self._records += len(messages)
        self._outputs += len(published.causes)
        self._dropped_headers += published.dropped_headers
        if published.dead:
            self._dead.update(error.reason for _, error in published.dead)
        stride = -(-len(messages) // SAMPLES)
        times = (message.timestamp() for message in messages[::stride])
        self._times_ms += [time_ms for kind, time_ms in times if kind != NO_TIME]

    def commit(self) -> None:
        """What has been scored is committed."""
        self.commits += 1
        self.records += self._records
        self.outputs += self._outputs
        self.dropped_headers += self._dropped_headers
        self.dead += self._dead
        now_ms = time.time() * 1000
        for time_ms in self._times_ms:
            self.latency.add(max(0.0, now_ms - time_ms) / 1000)
        self._clear()

    def abort(self, *, was_open: bool) -> None:
        """What has been scored since the last commit is taken back; `was_open` says whether a transaction was."""
        self.aborts += was_open
        self._clear()

    def _clear(self) -> None:
        self._records = self._outputs = self._dropped_headers = 0
        self._dead: Counter[str] = Counter()
        self._times_ms: list[int] = []
