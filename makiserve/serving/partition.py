"""The lifecycle of a partition in this process, from assignment to loss, and who may read its state.

```
ASSIGNED ── requested ─▶ RESTORING ── restored ──▶ RUNNING
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
from dataclasses import replace
from enum import Enum

from makiserve.errors import InternalError
from makiserve.scoring import Lane
from makiserve.serving.state.checkpoint_writer import CheckpointWriter
from makiserve.serving.state.offset_metadata import Position
from makiserve.serving.state.restorer import Rebuilder, Restored
from makiserve.serving.state.seen import SeenRecords

logger = logging.getLogger(__name__)


class Phase(Enum):
    """The phase of a partition's lifecycle."""

    ASSIGNED = "assigned"
    RESTORING = "restoring"
    RUNNING = "running"
    FAILED = "failed"
    REVOKED = "revoked"
    LOST = "lost"


TRANSITIONS = {
    Phase.ASSIGNED: {Phase.RESTORING},
    Phase.RESTORING: {Phase.RESTORING, Phase.RUNNING, Phase.FAILED, Phase.REVOKED, Phase.LOST},
    Phase.RUNNING: {Phase.RESTORING, Phase.REVOKED, Phase.LOST},
    Phase.FAILED: set(),
    Phase.REVOKED: set(),
    Phase.LOST: set(),
}


class Partition:
    """An assigned partition of the input: its lane, its position, and the offset up to which it is scored.

    Attributes:
        number: the partition.
        position: what is committed; replaced as a whole.
        initial_position: the position at which it started in this process; None until that is known.
        next_offset: the offset of the next record to score.
        is_lent: whether the state is being scored.
        writer: writer of the lane's checkpoints.
        is_urgent: whether a checkpoint must be committed before further records are scored, because the topics alone
            could not restore this state.
        is_due: whether a checkpoint has been requested and is not committed.
        awaited_schema: the encoded id of the schema that the record at `next_offset` waits for; empty if it does not.
        rebuilder: restores from the records before the committed offset; None if any model version will do.
        seen: those of these records that their group has seen already; None if there are none.
    """

    def __init__(self, topic: str, number: int) -> None:
        self.topic = topic
        self.number = number
        self.phase = Phase.ASSIGNED
        self.position = Position(0, 0)
        self.initial_position: Position | None = None
        self.next_offset = 0
        self._lane, self.is_lent = Lane([]), False
        self.writer = CheckpointWriter(())
        self.is_urgent = self.is_due = False
        self.awaited_schema = b""
        self.rebuilder: Rebuilder | None = None
        self.seen: SeenRecords | None = None

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
    def has_uncommitted_work(self) -> bool:
        """Return whether there is something to commit: records scored since the last commit, or a new start offset."""
        return self.phase is Phase.RUNNING and (self.position.is_new or self.next_offset > self.position.committed)

    @property
    def is_unsaved(self) -> bool:
        """Return whether records were scored since the last checkpoint."""
        return self.phase is Phase.RUNNING and (self.is_urgent or self.next_offset > self.position.start)

    @property
    def must_wait(self) -> bool:
        """Return whether its records must wait for a checkpoint."""
        is_fixed = self.writer.is_open and not self.writer.is_spread
        return self.phase is Phase.RUNNING and (self.is_urgent or is_fixed)

    def transition(self, phase: Phase) -> None:
        """Change the phase. This is the only place where it changes."""
        if phase not in TRANSITIONS[self.phase]:
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

    def has_lane(self, lane: Lane) -> bool:
        """Return whether this is still its state: the partition may have been revoked or restored meanwhile."""
        return lane is self._lane

    def take_back(self, lane: Lane) -> None:
        """Take back a lent state, which then corresponds to `next_offset` again."""
        if self.has_lane(lane):
            self.is_lent = False

    def restore(self) -> None:
        """Drop the state and wait for another one; the result of a batch being scored is discarded."""
        self._lane, self.is_lent, self.is_due, self.seen = Lane([]), False, False, None
        self.transition(Phase.RESTORING)

    def end(self, phase: Phase) -> None:
        """Drop the state and move to a final phase."""
        self._lane, self.is_lent, self.seen = Lane([]), False, None
        self.transition(phase)

    def begin(self, restored: Restored, model_version: str) -> None:
        """Begin with a restored state; records before the committed offset complete it without output.

        Args:
            restored: the state and its offset.
            model_version: the model version that scores further records.
        """
        self.position = self.initial_position = restored.position
        self._lane, self.writer = restored.lane, restored.writer
        self.rebuilder, self.seen = restored.rebuilder, restored.seen
        self.is_urgent, self.is_due = restored.is_urgent, False
        self.next_offset = restored.position.start
        self.switch(model_version)
        self.advance(self.next_offset)

    def advance(self, next_offset: int) -> None:
        """Record that records before `next_offset` have been scored."""
        self.next_offset = next_offset
        if self.phase is Phase.RESTORING and next_offset >= self.position.committed:
            self.seen = None
            self.transition(Phase.RUNNING)

    def switch(self, model_version: str) -> None:
        """Use another model version for records that are not scored yet.

        If the state depends on the model, a checkpoint must come first, so that a restore never has to score the
        records of two versions.
        """
        before = self.position.model_version
        if model_version == before:
            return
        since = max(self.next_offset, self.position.committed)
        if before:
            logger.info("%s: %s → %s at offset %d", self, before, model_version, since)
            self.is_urgent = self.is_urgent or self.rebuilder is not None
        self.position = replace(self.position, model_version=model_version, since=since)

    def commit(self, position: Position, *, is_saved: bool = False) -> None:
        """Record that a position is committed; `is_saved` means that a checkpoint has become complete with it."""
        self.position = position
        if is_saved:
            self.is_urgent = self.is_due = False
