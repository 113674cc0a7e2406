"""The topic of state: one partition for each of the input's, compacted, written in the transactions of the outputs."""

from __future__ import annotations

from makiserve.kafka import Cluster
from makiserve.settings.serve import OnStateLoss

SETTINGS = {
    "cleanup.policy": "compact",
    # Checkpoints write the same keys again and again: what a restore reads is kept near what it needs.
    "min.cleanable.dirty.ratio": "0.2",
    "segment.bytes": str(64 * 1024 * 1024),
    "segment.ms": str(60 * 60 * 1000),
}


def state_topic(group: str) -> str:
    """Its name: each group has its own."""
    return f"{group}.state"


def prepare_state_topic(cluster: Cluster, group: str, partitions: int, policy: OnStateLoss) -> None:
    """Make sure that it is there and that it keeps what it is given.

    Where the input has grown, it grows too, unless the policy is to refuse: what a partition's mark says of the number
    of partitions then decides on its state.

    Raises:
        ConfigurationError: it is not compacted, or has another number of partitions.
    """
    topic = state_topic(group)
    if policy != "refuse":
        cluster.grow(topic, partitions)
    cluster.create_if_absent(topic, partitions, SETTINGS)
    cluster.require_setting(topic, "cleanup.policy", "compact")
