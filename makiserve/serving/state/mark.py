"""What is kept with every committed offset, and with every checkpoint: which state belongs to it."""

from __future__ import annotations

import msgspec

from makiserve.errors import StateError


class Mark(msgspec.Struct, frozen=True):
    """Which state a lane has at a committed offset.

    Attributes:
        origin: the offset of the first record that the state has seen.
        plan: the fingerprint of the pipeline.
        digest: of the pipeline's sources: functions may have changed where the plan has not.
        partitions: how many the input has.
        checkpoint: the offset of the lane's last checkpoint in the state topic; None where there is none yet.
        release: the version of the model that scored the last records before the committed offset, and all since the
            checkpoint, if the state depends on it. Empty where nothing was scored yet.
        since: the offset of the first record that it scored.
        lineage: 8 hexadecimal digits that a state has from its beginning on, and no other state: what the topic still
            holds of another one is known by it.
    """

    origin: int
    plan: str
    digest: str
    partitions: int
    checkpoint: int | None = None
    release: str = ""
    since: int = 0
    lineage: str = ""

    def __str__(self) -> str:
        return msgspec.json.encode(self).decode()


def mark_from_text(text: str | bytes) -> Mark | None:
    """The mark that was committed with an offset; None where another program committed it.

    Raises:
        StateError: it is a mark that cannot be read.
    """
    if not text:
        return None
    try:
        return msgspec.json.decode(text, type=Mark)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise StateError(f"the committed offset carries {text[:60]!r}, which is not from this makiserve") from error
