"""The life of a partition in this process, from its assignment to its loss.

```
ASSIGNED ── begun ──▶ RESTORING ── restored ──▶ RUNNING
                      RESTORING ◀── rewound ─── RUNNING
                      RESTORING ── rewound ───▶ RESTORING
                      RESTORING ── revoked ───▶ REVOKED ◀── revoked ── RUNNING
                      RESTORING ── lost ──────▶ LOST ◀───── lost ───── RUNNING
```
"""

from __future__ import annotations

import logging
from enum import Enum

from makiserve.errors import InternalError
from makiserve.scoring import Lane

logger = logging.getLogger(__name__)


class Phase(Enum):
    """Where a partition is in its life."""

    ASSIGNED = "assigned"
    RESTORING = "restoring"
    RUNNING = "running"
    REVOKED = "revoked"
    LOST = "lost"


MOVES = {
    Phase.ASSIGNED: {Phase.RESTORING},
    Phase.RESTORING: {Phase.RESTORING, Phase.RUNNING, Phase.REVOKED, Phase.LOST},
    Phase.RUNNING: {Phase.RESTORING, Phase.REVOKED, Phase.LOST},
    Phase.REVOKED: set(),
    Phase.LOST: set(),
}


class Partition:
    """One assigned partition of the input: its lane, and how far it is read and committed.

    Attributes:
        number: the partition.
        origin: the offset of the first record that the lane's state has seen.
        committed: the offset up to which outputs are committed; records before it are re-scored silently.
        next_offset: the offset of the next record to score.
        lane: the state.
        is_new: whether the group has committed no offset of it yet: then its start is news too, or an owner that comes
            before the first record could start elsewhere.
    """

    def __init__(self, topic: str, number: int) -> None:
        self.topic = topic
        self.number = number
        self.phase = Phase.ASSIGNED
        self.origin = self.committed = self.next_offset = 0
        self.lane = Lane([])
        self.is_new = False

    def __str__(self) -> str:
        return f"{self.topic}[{self.number}]"

    @property
    def has_news(self) -> bool:
        """Whether there is something to commit: records scored since the last commit, or where it starts."""
        return self.phase is Phase.RUNNING and (self.is_new or self.next_offset > self.committed)

    def move(self, phase: Phase) -> None:
        """Go to another phase; the only place where a partition's phase changes."""
        if phase not in MOVES[self.phase]:
            raise InternalError(f"{self}: a partition cannot go from {self.phase.value} to {phase.value}")
        logger.info("%s: %s → %s at offset %d", self, self.phase.value, phase.value, self.next_offset)
        self.phase = phase

    def restore(self, lane: Lane, origin: int, committed: int) -> None:
        """Begin at `origin` with an empty lane; records before `committed` rebuild its state and emit nothing."""
        self.lane, self.origin, self.committed, self.next_offset = lane, origin, committed, origin
        self.move(Phase.RESTORING)
        self.advance(origin)

    def advance(self, next_offset: int) -> None:
        """Records up to `next_offset` have been scored."""
        self.next_offset = next_offset
        if self.phase is Phase.RESTORING and next_offset >= self.committed:
            self.move(Phase.RUNNING)
