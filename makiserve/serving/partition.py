"""The life of a partition in this process, from its assignment to its loss.

```
ASSIGNED ── asked ───▶ RESTORING ── restored ──▶ RUNNING
                       RESTORING ◀── rewound ─── RUNNING
                       RESTORING ── rewound ───▶ RESTORING
                       RESTORING ── refused ───▶ FAILED
                       RESTORING ── revoked ───▶ REVOKED ◀── revoked ── RUNNING
                       RESTORING ── lost ──────▶ LOST ◀───── lost ───── RUNNING
```

RESTORING has two parts: the checkpoint is read, on a thread of its own, and the records between the checkpoint and the
committed offset are scored once more, in silence.
"""

from __future__ import annotations

import logging
from enum import Enum

from makiserve.errors import InternalError
from makiserve.scoring import Lane, Scorer
from makiserve.serving.state.beginning import Beginning
from makiserve.serving.state.checkpoint import CheckpointWriter
from makiserve.serving.state.restorer import Restored

logger = logging.getLogger(__name__)


class Phase(Enum):
    """Where a partition is in its life."""

    ASSIGNED = "assigned"
    RESTORING = "restoring"
    RUNNING = "running"
    FAILED = "failed"
    REVOKED = "revoked"
    LOST = "lost"


MOVES = {
    Phase.ASSIGNED: {Phase.RESTORING},
    Phase.RESTORING: {Phase.RESTORING, Phase.RUNNING, Phase.FAILED, Phase.REVOKED, Phase.LOST},
    Phase.RUNNING: {Phase.RESTORING, Phase.REVOKED, Phase.LOST},
    Phase.FAILED: set(),
    Phase.REVOKED: set(),
    Phase.LOST: set(),
}


class Partition:
    """One assigned partition of the input: its lane, and how far it is read, saved and committed.

    Attributes:
        number: the partition.
        beginning: where it began in this process; None until that is known.
        origin: the offset of the first record that the lane's state has seen.
        checkpoint: the offset of the lane's last checkpoint; None where there is none.
        committed: the offset up to which outputs are committed; records before it are re-scored silently.
        next_offset: the offset of the next record to score.
        lane: the state.
        writer: what writes the lane's checkpoints.
        is_new: whether the group has committed no offset of it yet: then its start is news too, or an owner that comes
            before the first record could start elsewhere.
        is_urgent: whether the next commit must have a checkpoint.
        release: the version of the model that scores the records from `committed` on.
        since: the offset of the first record that it scores.
        rebuilder: what scored the records before `committed`, to score them again; None where any scorer will do.
    """

    def __init__(self, topic: str, number: int) -> None:
        self.topic = topic
        self.number = number
        self.phase = Phase.ASSIGNED
        self.beginning: Beginning | None = None
        self.origin = self.committed = self.next_offset = 0
        self.checkpoint: int | None = None
        self.lane = Lane([])
        self.writer = CheckpointWriter((), None)
        self.is_new = self.is_urgent = False
        self.release = ""
        self.since = 0
        self.rebuilder: Scorer | None = None

    def __str__(self) -> str:
        return f"{self.topic}[{self.number}]"

    @property
    def log_fields(self) -> dict[str, str | int]:
        """Where it is, for logs that machines read."""
        return {"topic": self.topic, "partition": self.number, "offset": self.next_offset}

    @property
    def has_news(self) -> bool:
        """Whether there is something to commit: records scored since the last commit, or where it starts."""
        return self.phase is Phase.RUNNING and (self.is_new or self.next_offset > self.committed)

    @property
    def is_unsaved(self) -> bool:
        """Whether records were scored since the last checkpoint."""
        start = self.origin if self.checkpoint is None else self.checkpoint
        return self.phase is Phase.RUNNING and (self.is_urgent or self.next_offset > start)

    def move(self, phase: Phase) -> None:
        """Go to another phase; the only place where a partition's phase changes."""
        if phase not in MOVES[self.phase]:
            raise InternalError(f"{self}: a partition cannot go from {self.phase.value} to {phase.value}")
        logger.info("%s: %s → %s at offset %d", self, self.phase.value, phase.value, self.next_offset)
        self.phase = phase

    def restore(self) -> None:
        """Forget the state, and wait for another: what is being scored meanwhile no longer counts."""
        self.lane = Lane([])
        self.move(Phase.RESTORING)

    def end(self, phase: Phase) -> None:
        """Its life here is over, and its state is dropped."""
        self.lane = Lane([])
        self.move(phase)

    def begin(self, restored: Restored, release: str) -> None:
        """Go on from a restored state; records before the committed offset rebuild the rest and emit nothing.

        Args:
            restored: the state, and where it is.
            release: the version of the model that scores what follows.
        """
        began = self.beginning = restored.beginning
        self.lane, self.writer, self.is_urgent = restored.lane, restored.writer, restored.is_urgent
        self.origin, self.checkpoint = began.origin, began.checkpoint
        self.committed, self.is_new = began.committed, began.is_new
        self.release, self.since, self.rebuilder = began.release, began.since, restored.rebuilder
        self.next_offset = began.start
        self.switch(release)
        self.advance(began.start)

    def advance(self, next_offset: int) -> None:
        """Records up to `next_offset` have been scored."""
        self.next_offset = next_offset
        if self.phase is Phase.RESTORING and next_offset >= self.committed:
            self.move(Phase.RUNNING)

    def switch(self, release: str) -> None:
        """Records that are not scored yet are another version's.

        Where the state depends on the model, the next commit has a checkpoint: a restore then never scores the records
        of two versions again.
        """
        if release == self.release:
            return
        self.since = max(self.next_offset, self.committed)
        if self.release:
            logger.info("%s: %s → %s at offset %d", self, self.release, release, self.since)
            self.is_urgent = self.is_urgent or self.rebuilder is not None
        self.release = release

    def commit(self, offset: int, *, has_checkpoint: bool) -> None:
        """It is committed up to `offset`, and its state saved there."""
        self.committed, self.is_new = offset, False
        if has_checkpoint:
            self.checkpoint, self.is_urgent = offset, False
