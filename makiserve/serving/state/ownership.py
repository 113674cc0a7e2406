"""Refuse offsets and state that belong to another input, because a group serves only one (decision 0091)."""

from __future__ import annotations

from makiserve.errors import ConfigurationError, StateError
from makiserve.kafka import Cluster
from makiserve.serving.state.contents import Contents
from makiserve.serving.state.topic import state_topic
from makiserve.settings import ServeSettings


def require_own_offsets(cluster: Cluster, group: str, input_: str) -> None:
    """Raise if the group has committed offsets of another input.

    Raises:
        ConfigurationError: the group has such offsets.
    """
    others = sorted(cluster.committed_topics(group) - {input_})
    if others:
        raise ConfigurationError(
            f"The group {group} has committed offsets of {', '.join(others)}, and this service reads {input_}: two "
            f"services in one group would overwrite each other's state. Nothing was read. Give this service its own "
            f"group with --group. If {input_} replaces {others[0]}, first end the service that read it and delete its "
            f"group and its state: kafka-consumer-groups.sh --delete --group {group}; kafka-topics.sh --delete "
            f"--topic {state_topic(group)}"
        )


def require_own_state(contents: Contents, place: str, settings: ServeSettings) -> None:
    """Raise if a state topic partition holds the state of another input.

    Raises:
        ConfigurationError: it holds such state.
        StateError: its metadata cannot be parsed, and the policy is to refuse.
    """
    try:
        mark = contents.mark
    except StateError as error:
        if settings.on_state_loss != "refuse":
            return
        raise StateError(
            f"{place}: {error}. Delete the topic, or let --on-state-loss rebuild or start-empty replace its content"
        ) from error
    if mark is not None and mark.input != settings.input:
        raise ConfigurationError(
            f"{place} holds the state of {mark.input}, and this service reads {settings.input}: two services in one "
            "group would overwrite each other's state. Give this service its own group with --group. If the state of "
            f"{mark.input} is not needed any more, end the service that wrote it and delete the topic"
        )
