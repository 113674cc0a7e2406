"""Decide where a partition starts and with which state, from the committed offset and what the topics still hold."""

from __future__ import annotations

import logging

from makiserve.errors import StateError
from makiserve.kafka import Committed, Watermarks
from makiserve.serving.state.offset_metadata import OffsetMetadata, Position, StateIdentity, offset_metadata_from_text
from makiserve.settings.service_sections import OnStateLoss

logger = logging.getLogger(__name__)


def first_position(first: int, warm_start: int) -> Position:
    """Return the position of a partition without a committed offset; records before `first` only restore state."""
    return Position(first, min(first, warm_start), is_new=True)


def committed_position(
    place: str,
    committed: Committed,
    ends: Watermarks,
    expected: StateIdentity,
    policy: OnStateLoss,
    span_start: int,
) -> Position:
    """Return the position of a partition with a committed offset.

    Args:
        place: name of the partition in messages.
        committed: the committed offset and its metadata.
        ends: watermarks of the partition.
        expected: the values that its metadata must have.
        policy: what to do if the state is lost.
        span_start: the offset of the first record for a rebuilt state.

    Raises:
        StateError: the state is lost, and the policy is to refuse; or the offset is beyond the end.
    """
    offset = committed.offset or 0
    if offset > ends.high:
        raise StateError(
            f"{place}: the committed offset {offset} is beyond the end of the partition, {ends.high}: the "
            "topic was deleted and created again, or an unclean leader election has removed records. Nothing was "
            "read. Stop all instances and delete the group's offsets with kafka-consumer-groups.sh "
            "--delete-offsets: the service then starts as a new one, with --from earliest or latest. Or choose "
            "another --group"
        )
    if offset < ends.low:
        return _after_a_gap(place, offset, ends, policy)
    try:
        metadata = offset_metadata_from_text(committed.metadata)
    except StateError as error:
        if expected.plan is None:
            return Position(offset, offset)
        return position_after_loss(f"{place}: {error}", offset, policy, span_start)
    if expected.plan is None:
        return Position(
            offset,
            offset,
            model_version=metadata.model_version if metadata else "",
            since=metadata.since if metadata else 0,
        )
    reason = _misfit(metadata, expected) or (metadata and _removed(metadata, offset, ends))
    if reason or metadata is None:
        return position_after_loss(f"{place}: {reason}", offset, policy, span_start)
    return Position(
        offset, metadata.origin, metadata.checkpoint, False, metadata.model_version, metadata.since, metadata
    )


def position_after_loss(reason: str, committed: int, policy: OnStateLoss, span_start: int) -> Position:
    """Return the position, according to the policy, if the state at the committed offset is lost.

    Raises:
        StateError: the policy is to refuse.
    """
    if policy == "refuse":
        raise StateError(
            f"{reason}. Nothing was read. Choose how to continue: --on-state-loss rebuild reprocesses the records "
            "that the topic still has, without output (--warm-up DURATION limits how far back); --on-state-loss "
            "start-empty continues with empty state"
        )
    start = committed if policy == "start-empty" else min(span_start, committed)
    logger.warning("%s: starting with empty state at offset %d", reason, start)
    return Position(committed, start)


def _misfit(metadata: OffsetMetadata | None, expected: StateIdentity) -> str | None:
    if metadata is None:
        return "its offset was committed by another program, so the state that belongs to it is unknown"
    if metadata.input != expected.input:
        return f"its offset was committed for the input {metadata.input}"
    if metadata.plan != expected.plan:
        return f"its state belongs to another pipeline (plan {metadata.plan}; this is {expected.plan})"
    if metadata.digest != expected.digest:
        return (
            f"its state was computed by other code with the same operators (digest {metadata.digest[:12]}…; this is "
            f"{expected.digest[:12]}…)"
        )
    if metadata.partitions != expected.partitions:
        return (
            f"the input had {metadata.partitions} partitions and now has {expected.partitions}: keys have moved to "
            "partitions that do not have their state"
        )
    return None


def _removed(metadata: OffsetMetadata, committed: int, ends: Watermarks) -> str | None:
    start = metadata.origin if metadata.checkpoint is None else metadata.checkpoint
    if start >= ends.low or start == committed:
        return None
    what = "its state began" if metadata.checkpoint is None else "its last checkpoint is"
    return (
        f"{what} at offset {start}, but retention has removed the records before {ends.low}: the state at the "
        f"committed offset {committed} cannot be rebuilt exactly"
    )


def _after_a_gap(place: str, committed: int, ends: Watermarks, policy: OnStateLoss) -> Position:
    if policy == "refuse":
        raise StateError(
            f"{place}: retention has removed records {committed} to {ends.low - 1} before they were processed. "
            "Nothing was read. --on-state-loss start-empty continues with the oldest record that the topic has, "
            "and with empty state"
        )
    logger.warning(
        "%s: records %d to %d were removed before they were processed; continuing after them with empty state",
        place,
        committed,
        ends.low - 1,
    )
    return Position(ends.low, ends.low, is_new=True)
