"""Decide where a partition begins and with which state, from the committed offset and what the topics still hold."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from makiserve.errors import StateError
from makiserve.kafka import Committed, Watermarks
from makiserve.serving.state.checkpoint import OffsetMetadata, offset_metadata_from_text
from makiserve.settings.sections import OnStateLoss

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RestorePlan:
    """The start offset and the state of a partition.

    Attributes:
        start: the offset of the first record to read; those before `committed` restore state without output.
        committed: the offset of the first record whose outputs are not committed.
        origin: the offset of the first record that the state has seen.
        checkpoint: the offset of the checkpoint that `start` follows; None if the lane begins empty.
        is_new: whether nothing was ever committed.
        release: the model version that scored the last records before `committed`; empty if it is not known.
        since: the offset of the first record that this version scored.
        mark: metadata of the committed offset; None if the lane begins empty.
    """

    start: int
    committed: int
    origin: int
    checkpoint: int | None = None
    is_new: bool = False
    release: str = ""
    since: int = 0
    mark: OffsetMetadata | None = None


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


def first_plan(first: int, warm_start: int) -> RestorePlan:
    """Plan for a partition without a committed offset; records from `warm_start` to `first` only restore state."""
    origin = min(first, warm_start)
    return RestorePlan(origin, first, origin, is_new=True)


def next_plan(
    place: str,
    found: Committed,
    ends: Watermarks,
    expected: StateIdentity,
    policy: OnStateLoss,
    span_start: int,
) -> RestorePlan:
    """Plan for a partition with a committed offset.

    Args:
        place: name of the partition in messages.
        found: the committed offset and its metadata.
        ends: watermarks of the partition.
        expected: the values that its metadata must have.
        policy: what to do if the state is lost.
        span_start: the offset of the first record for a rebuilt state.

    Raises:
        StateError: the state is lost, and the policy is to refuse; or the offset is beyond the end.
    """
    committed = found.offset or 0
    if committed > ends.high:
        raise StateError(
            f"{place}: the committed offset {committed} is beyond the end of the partition, {ends.high}: the topic was "
            "deleted and created again, or an unclean leader election has removed records. Nothing was read. Stop all "
            "instances and let the group forget the topic with kafka-consumer-groups.sh --delete-offsets: the service "
            "then starts as a new one, with --from earliest or latest; or choose another --group"
        )
    if committed < ends.low:
        return _after_a_gap(place, committed, ends, policy)
    try:
        mark = offset_metadata_from_text(found.metadata)
    except StateError as error:
        if expected.plan is None:
            return RestorePlan(committed, committed, committed)
        return lost(f"{place}: {error}", committed, policy, span_start)
    if expected.plan is None:
        known = (mark.release, mark.since) if mark else ("", 0)
        return RestorePlan(committed, committed, committed, None, False, *known)
    reason = _misfit(mark, expected) or (mark and _removed(mark, committed, ends))
    if reason or mark is None:
        return lost(f"{place}: {reason}", committed, policy, span_start)
    start = mark.origin if mark.checkpoint is None else mark.checkpoint
    return RestorePlan(start, committed, mark.origin, mark.checkpoint, False, mark.release, mark.since, mark)


def lost(reason: str, committed: int, policy: OnStateLoss, span_start: int) -> RestorePlan:
    """Plan according to the policy if the state at the committed offset is lost.

    Raises:
        StateError: the policy is to refuse.
    """
    if policy == "refuse":
        raise StateError(
            f"{reason}. Nothing was read. Choose how to go on: --on-state-loss rebuild scores the records that are "
            "still there once more, in silence (--warm-up DURATION: only those of this time); --on-state-loss "
            "start-empty goes on without a past"
        )
    start = committed if policy == "start-empty" else min(span_start, committed)
    logger.warning("%s: it begins anew at offset %d", reason, start)
    return RestorePlan(start, committed, start)


def _misfit(mark: OffsetMetadata | None, expected: StateIdentity) -> str | None:
    if mark is None:
        return "its offset was committed by another program, so that nobody knows the state that belongs to it"
    if mark.input != expected.input:
        return f"its offset was committed for the input {mark.input}"
    if mark.plan != expected.plan:
        return f"its state belongs to another pipeline (plan {mark.plan}; this is {expected.plan})"
    if mark.digest != expected.digest:
        return (
            f"its state was computed by other code (digest {mark.digest[:12]}…; this is {expected.digest[:12]}…), "
            "though by the same operators"
        )
    if mark.partitions != expected.partitions:
        return (
            f"the input had {mark.partitions} partitions and has {expected.partitions}: keys have moved between "
            "partitions, away from their state"
        )
    return None


def _removed(mark: OffsetMetadata, committed: int, ends: Watermarks) -> str | None:
    start = mark.origin if mark.checkpoint is None else mark.checkpoint
    if start >= ends.low or start == committed:
        return None
    what = "its state began" if mark.checkpoint is None else "its last checkpoint is"
    return (
        f"{what} at offset {start} and retention has removed the records before {ends.low}: the state at the committed "
        f"offset {committed} cannot be rebuilt exactly"
    )


def _after_a_gap(place: str, committed: int, ends: Watermarks, policy: OnStateLoss) -> RestorePlan:
    if policy == "refuse":
        raise StateError(
            f"{place}: retention has removed records {committed} to {ends.low - 1} before they were processed. Nothing "
            "was read. --on-state-loss start-empty goes on with the oldest record that is left, without a past"
        )
    logger.warning(
        "%s: records %d to %d are gone, unprocessed: it begins anew behind them", place, committed, ends.low - 1
    )
    return RestorePlan(ends.low, ends.low, ends.low, is_new=True)
