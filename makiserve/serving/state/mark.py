"""The metadata of every committed offset and of every checkpoint: which state belongs to it."""

from __future__ import annotations

import msgspec

from makiserve.errors import StateError
from makiserve.serving.state.parts_index import Manifest


class Mark(msgspec.Struct, frozen=True):
    """Which state a lane has at a committed offset.

    Attributes:
        origin: the offset of the first record that the state has seen.
        plan: the fingerprint of the pipeline.
        digest: of the pipeline's sources: functions may have changed though the plan has not.
        partitions: how many the input has.
        input: the topic that the offset belongs to.
        state_id: 8 hexadecimal digits that the state has from its start on, and that no other state has. Empty if
            nothing is remembered.
        checkpoint: the offset of the last complete checkpoint in the state topic; None if there is none yet.
        manifest: what that checkpoint consists of.
        release: the version of the model that scored the last records before the committed offset, and all since the
            checkpoint, if the state depends on it. Empty if nothing was scored yet.
        since: the offset of the first record that it scored.
    """

    origin: int
    plan: str
    digest: str
    partitions: int
    input: str
    state_id: str
    checkpoint: int | None = None
    manifest: Manifest = Manifest()
    release: str = ""
    since: int = 0

    @property
    def state(self) -> tuple[str, int | None, Manifest]:
        """What two marks of one checkpoint have in common."""
        return self.state_id, self.checkpoint, self.manifest

    def __str__(self) -> str:
        return msgspec.json.encode(self).decode()


def mark_from_text(text: str | bytes) -> Mark | None:
    """Return the mark in the metadata of an offset; None if another program committed it.

    Raises:
        StateError: it cannot be read: another version of makiserve, or another program, wrote it.
    """
    if not text:
        return None
    try:
        return msgspec.json.decode(text, type=Mark)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise StateError(f"the mark {text[:60]!r} is not from this version of makiserve: {error}") from error
