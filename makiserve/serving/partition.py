"""The life of a partition in this process, from its assignment to its loss, and who may read its state.

```
ASSIGNED ── asked ───▶ RESTORING ── restored ──▶ RUNNING
                       RESTORING ◀── rewound ─── RUNNING
                       RESTORING ── rewound ───▶ RESTORING
                       RESTORING ── refused ───▶ FAILED
                       RESTORING ── revoked ───▶ REVOKED ◀── revoked ── RUNNING
                       RESTORING ── lost ──────▶ LOST ◀───── lost ───── RUNNING
```

RESTORING has two parts. The checkpoint is read on a separate thread. Then the records between the checkpoint and the
committed offset are reprocessed without output.

While a batch is being scored, the state belongs to the scoring thread. It is then the state at no offset, so it can be
neither read nor saved: decision 0090.
"""

from __future__ import annotations

import logging
from enum import Enum

from makiserve.errors import InternalError
from makiserve.scoring import Lane, Scorer
from makiserve.serving.state.checkpoint import CheckpointWriter, OffsetMetadata
from makiserve.serving.state.restore_plan import RestorePlan
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
        is_lent: whether the state is being scored.
        writer: what writes the lane's checkpoints.
        is_new: whether the group has committed no offset of it yet: then its start is news too, or an owner that comes
            before the first record could start elsewhere.
        is_urgent: whether no further record may be scored before a checkpoint is committed: the topics alone could not
            give this state again.
        is_due: whether a checkpoint has been asked for and is not committed.
        mark: that was committed with the offset; None if it was not this version of makiserve's.
        release: the version of the model that scores the records from `committed` on.
        since: the offset of the first record that it scores.
        rebuilder: what scored the records before `committed`, to score them again; None where any scorer will do.
    """

    def __init__(self, topic: str, number: int) -> None:
        self.topic = topic
        self.number = number
        self.phase = Phase.ASSIGNED
        self.beginning: RestorePlan | None = None
        self.origin = self.committed = self.next_offset = 0
        self.checkpoint: int | None = None
        self._lane, self.is_lent = Lane([]), False
        self.writer = CheckpointWriter(())
        self.is_new = self.is_urgent = self.is_due = False
        self.mark: OffsetMetadata | None = None
        self.release = ""
        self.since = 0
        self.rebuilder: Scorer | None = None

    def __str__(self) -> str:
        return f"{self.topic}[{self.number}]"

    @property
    def lane(self) -> Lane:
        """The state at `next_offset`.

        Raises:
            InternalError: it is being scored.
        """
        if self.is_lent:
            raise InternalError(f"{self}: the state was read while records after {self.next_offset} change it")
        return self._lane

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

    @property
    def must_wait(self) -> bool:
        """Whether its records must wait for a checkpoint."""
        return self.phase is Phase.RUNNING and (self.is_urgent or self.writer.is_open)

    def move(self, phase: Phase) -> None:
        """Go to another phase; the only place where a partition's phase changes."""
        if phase not in MOVES[self.phase]:
            raise InternalError(f"{self}: a partition cannot go from {self.phase.value} to {phase.value}")
        logger.info("%s: %s → %s at offset %d", self, self.phase.value, phase.value, self.next_offset)
        self.phase = phase

    def lend(self) -> Lane:
        """Hand the state to the scoring thread; until `take_back` it can be neither read nor saved.

        Raises:
            InternalError: a checkpoint must be committed first, or the state is lent already.
        """
        if self.must_wait:
            raise InternalError(f"{self}: records were received before the checkpoint of offset {self.next_offset}")
        lane, self.is_lent = self.lane, True
        return lane

    def is_of(self, lane: Lane) -> bool:
        """Return whether this is its state still: it may have been revoked, or restored, while it was lent."""
        return lane is self._lane

    def take_back(self, lane: Lane) -> None:
        """End the loan of a state, which is that of `next_offset` again."""
        if self.is_of(lane):
            self.is_lent = False

    def restore(self) -> None:
        """Drop the state, to get another one: what is being scored meanwhile no longer counts."""
        self._lane, self.is_lent = Lane([]), False
        self.move(Phase.RESTORING)

    def end(self, phase: Phase) -> None:
        """Drop the state: the partition is no longer this process's."""
        self._lane, self.is_lent = Lane([]), False
        self.move(phase)

    def begin(self, restored: Restored, release: str) -> None:
        """Go on from a restored state; records before the committed offset rebuild the rest and emit nothing.

        Args:
            restored: the state, and where it is.
            release: the version of the model that scores what follows.
        """
        began = self.beginning = restored.beginning
        self._lane, self.writer, self.is_urgent = restored.lane, restored.writer, restored.is_urgent
        self.is_due, self.mark = False, began.mark
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

        If the state depends on the model, a checkpoint comes before them: a restore then never scores the records of
        two versions again.
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
            self.checkpoint, self.is_urgent, self.is_due = offset, False, False
