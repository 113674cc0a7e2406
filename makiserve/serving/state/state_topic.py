"""The state topic: compacted, one partition per input partition, written in the transactions of the outputs."""

from __future__ import annotations

from collections.abc import Sequence

from makiserve.errors import StateError
from makiserve.kafka import Cluster
from makiserve.records import Record
from makiserve.scoring import Batch, Scorer
from makiserve.settings.service_sections import OnStateLoss
from makiserve.stream.columns.engine_choice import parts_of

SETTINGS = {
    "cleanup.policy": "compact",
    # Checkpoints rewrite the same keys: compact often, so that a restore reads little more than it needs.
    "min.cleanable.dirty.ratio": "0.2",
    "segment.bytes": str(64 * 1024 * 1024),
    "segment.ms": str(60 * 60 * 1000),
}


def state_topic(group: str) -> str:
    """Return the name of the state topic of a group."""
    return f"{group}.state"


def prepare_state_topic(cluster: Cluster, group: str, source: str, partitions: int, policy: OnStateLoss) -> None:
    """Create the state topic if it does not exist, and raise if an existing one would lose state.

    If the input has grown, the state topic grows with it, unless the policy is to refuse. The number of partitions in
    each partition's offset metadata then decides on its state.

    Args:
        cluster: a cluster that has responded.
        group: the group that owns the topic.
        source: the input topic.
        partitions: number of partitions of the input.
        policy: what to do if state is lost.

    Raises:
        ConfigurationError: its cleanup.policy is not compact.
        StateError: the input has more partitions, and the policy is to refuse.
    """
    topic = state_topic(group)
    if policy != "refuse":
        cluster.add_partitions(topic, partitions)
    if (count := cluster.ensure(topic, partitions, SETTINGS)) < partitions:
        raise StateError(added_partitions_message(source, count, partitions))
    cluster.require_setting(topic, "cleanup.policy", "compact")


def added_partitions_message(source: str, before: int, now: int) -> str:
    """Return the error for an input that has more partitions than its state, with the ways to continue."""
    return (
        f"{source} had {before} partitions when its state was written and now has {now}: a key may have moved to "
        "a partition that does not have its state. Nothing was read, and offsets and state are unchanged. Choose "
        "how to continue: --on-state-loss rebuild scores the records that the topic still has again, without "
        "output; --on-state-loss start-empty continues with empty state. With both, keys that have moved get new "
        "state. For exact results, serve a topic that has had this many partitions from its first record, with "
        "another --group"
    )


def check_state(scorer: Scorer, records: Sequence[Record]) -> None:
    """Check that the state after these records can be saved and restored.

    Raises:
        StateError: a value cannot be encoded; the message names the operator.
    """
    lane = scorer.new_lane()
    scorer.rebuild(Batch(lane, records))
    for checkpoints, state in zip(scorer.checkpoints, lane.states, strict=True):
        parts = parts_of(checkpoints)
        parts.join(parts.take(state, is_whole=True))
