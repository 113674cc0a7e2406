"""Check the broker, the topics, and the permissions of the principal."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from makiserve.errors import ConfigurationError, StateError
from makiserve.kafka import Connection, Topic, TransactionalProducer, check_registry, limits_from_settings
from makiserve.serving.preflight.runner import Finding, ServiceFacts
from makiserve.serving.state.ownership import require_own_offsets
from makiserve.serving.state.state_topic import added_partitions_message, state_topic
from makiserve.serving.topics import check_names, require_dead_letter_room
from makiserve.settings.text import text_from_value

LARGEST_MESSAGE_BYTES = 1_000_000
"""Size of the largest message: a dead letter with its headers, or a chunk of a checkpoint."""


def schema_registry(facts: ServiceFacts) -> Finding:
    """Check that the schema registry answers and accepts the credentials."""
    url = check_registry(facts.broker)
    return Finding(f"{url} answers" if url else "none: all messages are plain JSON")


def names(facts: ServiceFacts) -> Finding:
    """Check the names of the topics, including those that the service would create."""
    check_names(facts.broker, facts.serving)
    return Finding("the names are valid, and each topic has one role")


def broker(facts: ServiceFacts) -> Finding:
    """Check that the broker responds, accepts the credentials and fences zombies."""
    kafka_version = facts.cluster.preflight(facts.broker.startup_timeout)
    return Finding(f"{facts.broker.bootstrap_servers} answers, {kafka_version}")


def input_(facts: ServiceFacts) -> Finding:
    """Check that the input exists and is readable, and warn if it is compacted."""
    topic = facts.topic(facts.serving.input)
    _require_operations(topic, "READ")
    advice = "the topic is compacted: it loses records, so a replay gives other outputs" if _is_compacted(topic) else ""
    return Finding(_words(topic), advice)


def output(facts: ServiceFacts) -> Finding:
    """Check that the output topic exists, is writable and has enough partitions."""
    return _predictions(facts, facts.serving.output)


def shadow(facts: ServiceFacts) -> Finding:
    """Check that the topic of the shadow's predictions exists, is writable and has enough partitions."""
    name = facts.serving.shadow_output
    return _predictions(facts, name) if name else Finding("not used")


def _predictions(facts: ServiceFacts, name: str) -> Finding:
    inputs, topic = facts.topic(facts.serving.input), facts.topic(name)
    _require_operations(topic, "WRITE")
    if topic.partitions < inputs.partitions:
        raise ConfigurationError(f"{topic.name} has {topic.partitions} partitions but needs {inputs.partitions}")
    return Finding(_words(topic), _safety(topic))


def dead_letters(facts: ServiceFacts) -> Finding:
    """Check that the dead-letter topic can hold every dead letter, or can be created."""
    topic = facts.find_topic(facts.serving.dead_letters)
    if topic is not None:
        require_dead_letter_room(topic.name, limits_from_settings(topic.settings))
    return _own_topic(facts, facts.serving.dead_letters, ("WRITE",))


def state_topic_(facts: ServiceFacts) -> Finding:
    """Check that the state topic is only compacted and has enough partitions, or can be created."""
    if facts.model.scorer().stateless:
        return Finding("not needed, because the pipeline is stateless")
    name = state_topic(facts.broker.group)
    topic = facts.find_topic(name)
    policy = topic.settings.get("cleanup.policy", "compact") if topic else "compact"
    if policy != "compact":
        raise ConfigurationError(
            f"{name} has cleanup.policy={policy}: retention would remove state. Set cleanup.policy=compact"
        )
    inputs = facts.topic(facts.serving.input)
    if topic and topic.partitions < inputs.partitions and facts.serving.on_state_loss == "refuse":
        raise StateError(added_partitions_message(inputs.name, topic.partitions, inputs.partitions))
    return _own_topic(facts, name, ("READ", "WRITE"))


def group(facts: ServiceFacts) -> Finding:
    """Check that the principal may join the group, and that the group serves no other input."""
    name = facts.broker.group
    if "READ" not in facts.inspector.group_operations(name):
        raise ConfigurationError(f"the principal may not join the group {name}: grant it Read on the group")
    require_own_offsets(facts.cluster, name, facts.serving.input)
    return Finding(name)


def transactions(facts: ServiceFacts) -> Finding:
    """Check that the principal may use transactions, under a name that no instance has."""
    producer = TransactionalProducer(Connection(replace(facts.broker, instance="")))
    producer.init(facts.broker.startup_timeout)
    return Finding("the principal may use transactions")


def retention_of(topic: Topic) -> timedelta | None:
    """Return the retention time of a topic; None if it is unlimited or not known."""
    retention_ms = topic.number("retention.ms")
    return None if retention_ms is None or retention_ms < 0 else timedelta(milliseconds=retention_ms)


def _own_topic(facts: ServiceFacts, name: str, operations: tuple[str, ...]) -> Finding:
    inputs, topic = facts.topic(facts.serving.input), facts.find_topic(name)
    if topic is None and "CREATE" in facts.inspector.cluster_operations():
        return Finding(f"{name} will be created, with {inputs.partitions} partitions")
    if topic is None:
        rights = " and ".join(operation.title() for operation in operations)
        return Finding(
            f"topic {name} does not exist, or the principal may not see it",
            f"create it with {inputs.partitions} partitions and grant {rights} on it, or grant Create on the cluster",
        )
    _require_operations(topic, *operations)
    largest = topic.number("max.message.bytes") or LARGEST_MESSAGE_BYTES
    if largest < LARGEST_MESSAGE_BYTES:
        raise ConfigurationError(f"{name} accepts messages of at most {largest:,} bytes: set max.message.bytes=1048588")
    return Finding(_words(topic), _safety(topic))


def _require_operations(topic: Topic, *operations: str) -> None:
    if missing := [operation for operation in operations if operation not in topic.operations]:
        rights = " and ".join(operation.title() for operation in missing)
        raise ConfigurationError(f"the principal may not use {topic.name}: grant it {rights} on it")


def _is_compacted(topic: Topic) -> bool:
    return "compact" in topic.settings.get("cleanup.policy", "").split(",")


def _words(topic: Topic) -> str:
    known = retention_of(topic)
    for_ever = "without a time limit" if topic.settings else "for an unknown time (its settings may not be read)"
    time = for_ever if known is None or _is_compacted(topic) else f"for {text_from_value(timedelta, known)}"
    return f"{topic.name}: {topic.partitions} partitions, {topic.replicas} replicas, retained {time}"


def _safety(topic: Topic) -> str:
    in_sync = topic.number("min.insync.replicas") or 0
    if topic.replicas > 1 and in_sync == 1:
        return "min.insync.replicas=1: a failure of one broker can lose acknowledged records. Set it to 2"
    return "one replica: a failure of its broker loses the topic" if topic.replicas == 1 else ""
