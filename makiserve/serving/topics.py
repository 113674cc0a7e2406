"""The topics of a service: their names, and the requirements to check before anything is read. Decision 0094."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from makiserve.errors import ConfigurationError
from makiserve.kafka import Cluster, TopicLimits
from makiserve.kafka.intermediate_topic import intermediate_topic
from makiserve.serving.messages import BARE_BYTES
from makiserve.serving.state.ownership import require_own_offsets
from makiserve.serving.state.state_topic import prepare_state_topic, state_topic
from makiserve.settings import BrokerSettings, ServeSettings

MAX_NAME_LENGTH = 249
"""Kafka keeps a partition in a folder named TOPIC-NUMBER, and file systems allow 255 bytes for that."""

LEGAL = re.compile(r"[a-zA-Z0-9._-]+")

DEAD_LETTER_SETTINGS = {"cleanup.policy": "delete"}
"""Settings of a topic that makiserve creates. Explicit, because some clusters compact topics by default."""


class Partitions(NamedTuple):
    """Partition counts of the topics that a worker depends on."""

    input: int
    dead_letters: int


class Role(NamedTuple):
    """The purpose of a topic, its name, and the options that set the name."""

    what: str
    name: str
    options: str


def check_names(broker: BrokerSettings, settings: ServeSettings) -> None:
    """Raise if Kafka does not allow a name or a topic has two roles; does not contact a broker.

    Raises:
        ConfigurationError: the message names the topic, its role and the option to change.
    """
    _refuse_two_roles(broker.group, settings)
    for role in _roles(broker.group, settings):
        check_name(role)


def check_name(role: Role) -> None:
    """Raise if Kafka does not allow a name.

    Raises:
        ConfigurationError: the name is too long or has an illegal character.
    """
    if len(role.name) > MAX_NAME_LENGTH:
        raise ConfigurationError(
            f"the name of the {role.what}, {role.name[:60]}…, has {len(role.name)} characters, but Kafka allows "
            f"{MAX_NAME_LENGTH}. Nothing was created. Choose a shorter {role.options}"
        )
    if not LEGAL.fullmatch(role.name) or role.name in (".", ".."):
        raise ConfigurationError(
            f"{role.name!r} cannot be the name of the {role.what}: Kafka allows letters, digits, '.', '_' and '-'. "
            f"Nothing was created. Choose another {role.options}"
        )


def prepare_topics(
    cluster: Cluster, broker: BrokerSettings, settings: ServeSettings, *, has_state: bool, keeps_partition: bool
) -> Partitions:
    """Check the topics, and create those of the service that are missing.

    Args:
        cluster: a cluster that has responded.
        broker: settings with the group.
        settings: settings with the topics.
        has_state: whether the pipelines are stateful.
        keeps_partition: whether an output goes to the partition of its record.

    Raises:
        ConfigurationError: a topic is missing or has too few partitions, or the group has another input.
        StateError: the input has more partitions than its state, and the policy is to refuse.
    """
    inputs = cluster.partitions(settings.input)
    require_own_offsets(cluster, broker.group, settings.input)
    for output in filter(None, (settings.output, settings.shadow_output)):
        outputs = cluster.partitions(output)
        if keeps_partition and outputs < inputs:
            raise ConfigurationError(
                f"topic {output} has {outputs} partitions, but {settings.input} has {inputs}, and a prediction is "
                f"written to the partition of its record. Add partitions: {cluster.command('topics', output)} "
                f"--alter --partitions {inputs}"
            )
    dead_letters = cluster.ensure(settings.dead_letters, inputs, DEAD_LETTER_SETTINGS)
    if has_state:
        prepare_state_topic(cluster, broker.group, settings.input, inputs, settings.on_state_loss)
    return Partitions(inputs, dead_letters)


def require_dead_letter_room(topic: str, limits: TopicLimits) -> None:
    """Raise if a topic cannot hold every dead letter.

    Raises:
        ConfigurationError: it is compacted or accepts only very small messages.
    """
    if limits.needs_key:
        raise ConfigurationError(
            f"the dead-letter topic {topic} is compacted: it would remove dead letters with the same key and refuse "
            "records without a key. Set cleanup.policy=delete on it"
        )
    if limits.max_bytes < BARE_BYTES:
        raise ConfigurationError(
            f"the dead-letter topic {topic} accepts messages of at most {limits.max_bytes:,} bytes, too few for a "
            f"reason and a traceback. Set max.message.bytes to {BARE_BYTES:,} or more, ideally to the input's value"
        )


def _roles(group: str, settings: ServeSettings) -> Iterator[Role]:
    yield Role("input", settings.input, "--input")
    yield Role("output", settings.output, "--output")
    yield Role("dead-letter topic", settings.dead_letters, "--dead-letters or --output")
    if settings.shadow_output is not None:
        yield Role("shadow's output", settings.shadow_output, "--shadow-output")
    yield Role("state topic", state_topic(group), "--group or --output")
    if settings.partition_by is not None:
        intermediate = intermediate_topic(group, settings.partition_by)
        yield Role("topic for --partition-by", intermediate, "--group or --output")
        yield Role("first stage's state topic", state_topic(intermediate), "--group or --output")


def _refuse_two_roles(group: str, settings: ServeSettings) -> None:
    if settings.input in (settings.output, settings.dead_letters):
        flag = "--output" if settings.input == settings.output else "--dead-letters"
        raise ConfigurationError(
            f"the input {settings.input} cannot be an output as well: the service would read its own outputs. "
            f"Choose another {flag}"
        )
    if settings.shadow_output in (settings.input, settings.output, settings.dead_letters):
        raise ConfigurationError(
            f"the shadow cannot write to {settings.shadow_output}, because the service already uses that topic. Choose "
            "another --shadow-output"
        )
    if settings.output == settings.dead_letters:
        raise ConfigurationError(
            f"dead letters cannot be written to {settings.output}, because its readers expect "
            "predictions. Choose another --dead-letters"
        )
    roles = list(_roles(group, settings))
    public = roles[:3] if settings.shadow_output is None else roles[:4]
    for internal in roles[len(public) :]:
        for role in public:
            if role.name == internal.name:
                raise ConfigurationError(
                    f"{role.name} is the {internal.what} of the group {group} and cannot be the {role.what} as "
                    f"well, because their records would be mixed. Choose another {role.options}"
                )
