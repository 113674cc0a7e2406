"""One line a minute: what the service has done."""

from __future__ import annotations

import logging
import time
from collections import Counter

from makiserve.scoring import Encoded

logger = logging.getLogger(__name__)

EVERY_S = 60.0


class Summary:
    """Counts since the start, logged once a minute and at the end."""

    def __init__(self) -> None:
        self.records = self.outputs = self.commits = self.aborts = 0
        self.dead: Counter[str] = Counter()
        self._next = time.monotonic() + EVERY_S

    def add(self, records: int, published: Encoded) -> None:
        """Count a batch and what was published of it."""
        self.records += records
        self.outputs += len(published.causes)
        self.dead.update(error.reason for _, error in published.dead)

    def log_when_due(self) -> None:
        """Log the line if a minute has passed since the last one."""
        if time.monotonic() >= self._next:
            self.log()

    def log(self) -> None:
        """Log the line now."""
        self._next = time.monotonic() + EVERY_S
        dead = ", ".join(f"{reason}: {count}" for reason, count in self.dead.items())
        logger.info(
            "%d records, %d outputs, %d dead letters%s, %d commits, %d aborts since the start",
            self.records,
            self.outputs,
            sum(self.dead.values()),
            f" ({dead})" if dead else "",
            self.commits,
            self.aborts,
        )
