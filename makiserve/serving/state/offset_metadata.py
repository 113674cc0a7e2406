"""The position of a partition, and the offset metadata that identifies the state at a committed offset."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from makiserve.errors import StateError
from makiserve.serving.state.segment_log import Manifest
from makiserve.structs import thread_safe


@thread_safe
class OffsetMetadata(msgspec.Struct, frozen=True):
    """The identity of a lane's state at a committed offset, also stored with each checkpoint.

    Attributes:
        origin: the offset of the first record that the state has seen.
        plan: the fingerprint of the pipeline.
        digest: digest of the pipeline's source code, because functions can change while the plan does not.
        partitions: number of partitions of the input.
        input: the topic that the offset belongs to.
        state_id: 8 random hexadecimal digits, assigned when the state is created. Empty if the pipeline is
            stateless.
        checkpoint: the offset from which a restore reprocesses records, because the state topic has what each group was
            then or later; None if it has nothing yet.
        manifest: the segments in the state topic that make up the state.
        model_version: the version that scored the last records before the committed offset. If the state depends on
            the model, it has scored all records since the checkpoint. Empty if nothing was scored yet.
        since: the offset of the first record that this version scored.
    """

    origin: int
    plan: str
    digest: str
    partitions: int
    input: str
    state_id: str
    checkpoint: int | None = None
    manifest: Manifest = Manifest()
    model_version: str = ""
    since: int = 0

    @property
    def state(self) -> tuple[str, int | None, Manifest]:
        """The fields that are equal in all metadata of one checkpoint."""
        return self.state_id, self.checkpoint, self.manifest

    def __str__(self) -> str:
        return msgspec.json.encode(self).decode()


def offset_metadata_from_text(text: str | bytes) -> OffsetMetadata | None:
    """Parse the metadata of a committed offset; None if it is empty, as another program commits it.

    Raises:
        StateError: it cannot be parsed: another version of makiserve or another program wrote it.
    """
    if not text:
        return None
    try:
        return msgspec.json.decode(text, type=OffsetMetadata)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise StateError(
            f"the offset metadata {text[:60]!r} was not written by this version of makiserve: {error}"
        ) from error


@dataclass(frozen=True)
class StateIdentity:
    """The values that offset metadata must have if its state belongs to this service.

    Attributes:
        plan: the fingerprint of the pipelines; None if they are stateless.
        digest: digest of their source code.
        partitions: number of partitions of the input.
        input: name of the input topic.
    """

    plan: str | None
    digest: str
    partitions: int
    input: str


@dataclass(frozen=True)
class Position:
    """The committed offset of a partition and the state that belongs to it; a commit replaces it as a whole.

    Attributes:
        committed: the offset of the first record whose outputs are not committed; records before it are scored without
            output.
        origin: the offset of the first record that the state has seen.
        checkpoint: the offset from which records are needed in addition to the state topic; None if it has nothing.
        is_new: whether nothing was ever committed. The start offset must then be committed too, or the next owner could
            start elsewhere before the first record.
        model_version: the version that scores the records from `committed` on, or scored the last ones before it; empty
            if it is not known.
        since: the offset of the first record that this version scores.
        metadata: metadata of the committed offset; None if this version of makiserve did not write it.
    """

    committed: int
    origin: int
    checkpoint: int | None = None
    is_new: bool = False
    model_version: str = ""
    since: int = 0
    metadata: OffsetMetadata | None = None

    @property
    def start(self) -> int:
        """The offset of the first record to read when the state is restored: of the checkpoint or of the origin."""
        return self.origin if self.checkpoint is None else self.checkpoint
