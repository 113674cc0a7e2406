"""The lifecycle of a partition in this process, from assignment to loss, and who may read its state.

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

While a batch is being scored, its state belongs to the scoring thread. It does not correspond to an offset then, so it
can be neither read nor saved: decision 0090.
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
    """The phase of a partition's lifecycle."""

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
    """An assigned partition of the input: its lane, and the offsets up to which it is scored, saved and committed.

    Attributes:
        number: the partition.
        beginning: the plan with which it began in this process; None until that is known.
        origin: the offset of the first record that the lane's state has seen.
        checkpoint: the offset of the lane's last checkpoint; None if there is none.
        committed: the offset up to which outputs are committed; records before it are scored without output.
        next_offset: the offset of the next record to score.
        is_lent: whether the state is being scored.
        writer: writer of the lane's checkpoints.
        is_new: whether the group has not committed an offset yet. The start offset must then be committed too, or the
            next owner could start elsewhere before the first record.
        is_urgent: whether a checkpoint must be committed before further records are scored, because the topics alone
            could not restore this state.
        is_due: whether a checkpoint has been requested and is not committed.
        mark: metadata committed with the offset; None if this version of makiserve did not write it.
        release: the model version that scores the records from `committed` on.
        since: the offset of the first record that it scores.
        rebuilder: the scorer of the records before `committed`; None if any scorer will do.
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
            InternalError: a batch is being scored.
        """
        if self.is_lent:
            raise InternalError(f"{self}: the state was read while records after {self.next_offset} change it")
        return self._lane

    @property
    def log_fields(self) -> dict[str, str | int]:
        """Its position, as fields for structured logs."""
        return {"topic": self.topic, "partition": self.number, "offset": self.next_offset}

    @property
    def has_news(self) -> bool:
        """Whether there is something to commit: records scored since the last commit, or a new start offset."""
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
        """Change the phase. This is the only place where it changes."""
        if phase not in MOVES[self.phase]:
            raise InternalError(f"{self}: a partition cannot go from {self.phase.value} to {phase.value}")
        logger.info("%s: %s → %s at offset %d", self, self.phase.value, phase.value, self.next_offset)
        self.phase = phase

    def lend(self) -> Lane:
        """Lend the state to the scoring thread; until `take_back` it can be neither read nor saved.

        Raises:
            InternalError: a checkpoint must be committed first, or the state is already lent.
        """
        if self.must_wait:
            raise InternalError(f"{self}: records were received before the checkpoint of offset {self.next_offset}")
        lane, self.is_lent = self.lane, True
        return lane

    def is_of(self, lane: Lane) -> bool:
        """Return whether this is still its state: the partition may have been revoked or restored meanwhile."""
        return lane is self._lane

    def take_back(self, lane: Lane) -> None:
        """Take back a lent state, which then corresponds to `next_offset` again."""
        if self.is_of(lane):
            self.is_lent = False

    def restore(self) -> None:
        """Drop the state and wait for another one; the result of a batch being scored is discarded."""
        self._lane, self.is_lent, self.is_due = Lane([]), False, False
        self.move(Phase.RESTORING)

    def end(self, phase: Phase) -> None:
        """Drop the state and move to a final phase."""
        self._lane, self.is_lent = Lane([]), False
        self.move(phase)

    def begin(self, restored: Restored, release: str) -> None:
        """Begin with a restored state; records before the committed offset complete it without output.

        Args:
            restored: the state and its offset.
            release: the model version that scores further records.
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
        """Record that records before `next_offset` have been scored."""
        self.next_offset = next_offset
        if self.phase is Phase.RESTORING and next_offset >= self.committed:
            self.move(Phase.RUNNING)

    def switch(self, release: str) -> None:
        """Use another model version for records that are not scored yet.

        If the state depends on the model, a checkpoint must come first, so that a restore never has to score the
        records of two versions.
        """
        if release == self.release:
            return
        self.since = max(self.next_offset, self.committed)
        if self.release:
            logger.info("%s: %s → %s at offset %d", self, self.release, release, self.since)
            self.is_urgent = self.is_urgent or self.rebuilder is not None
        self.release = release

    def commit(self, offset: int, *, has_checkpoint: bool) -> None:
        """Record that `offset` is committed and, if it has a checkpoint, that the state is saved there."""
        self.committed, self.is_new = offset, False
        if has_checkpoint:
            self.checkpoint, self.is_urgent, self.is_due = offset, False, False
