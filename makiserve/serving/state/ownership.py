"""Refuse offsets and state that belong to another input, because a group serves only one (decision 0091)."""

from __future__ import annotations

from makiserve.errors import ConfigurationError, StateError
from makiserve.kafka import Cluster
from makiserve.serving.state.contents import Contents
from makiserve.serving.state.state_topic import state_topic
from makiserve.settings import ServeSettings


def require_own_offsets(cluster: Cluster, group: str, input_: str) -> None:
    """Raise if the group has committed offsets of another input.

    Raises:
        ConfigurationError: the group has such offsets.
    """
    others = sorted(cluster.committed_topics() - {input_})
    if others:
        raise ConfigurationError(
            f"The group {group} has committed offsets of {', '.join(others)}, but this service reads {input_}: "
            "two services in one group would overwrite each other's state. Nothing was read. Give this service a "
            f"different --group. If {input_} replaces {others[0]}, first stop the service that read it and delete "
            f"its group and its state: kafka-consumer-groups.sh --delete --group {group}; kafka-topics.sh "
            f"--delete --topic {state_topic(group)}"
        )


def require_own_state(contents: Contents, place: str, settings: ServeSettings) -> None:
    """Raise if a state topic partition holds the state of another input.

    Raises:
        ConfigurationError: it holds such state.
        StateError: its metadata cannot be parsed, and the policy is to refuse.
    """
    try:
        metadata = contents.metadata
    except StateError as error:
        if settings.on_state_loss != "refuse":
            return
        raise StateError(
            f"{place}: {error}. Delete the topic, or let --on-state-loss rebuild or start-empty replace its content"
        ) from error
    if metadata is not None and metadata.input != settings.input:
        raise ConfigurationError(
            f"{place} has the state of {metadata.input}, but this service reads {settings.input}: two services in one "
            "group would overwrite each other's state. Give this service a different --group. If the state of "
            f"{metadata.input} is not needed any more, stop the service that wrote it and delete the topic"
        )
