"""The names of a service's topics, and what is made of their partitions."""

from __future__ import annotations

from typing import Any

import pytest

from makiserve.errors import ConfigurationError, StateError
from makiserve.serving.topics import MAX_NAME_LENGTH, Partitions, check_names, prepare_topics
from makiserve.settings import BrokerSettings, ServeSettings
from tests.loops import loop_over

BROKER = BrokerSettings("broker:9092", "group")


def settings(**other: Any) -> ServeSettings:
    return ServeSettings(**{"input": "in", "output": "out", "dead_letters": "dead", **other})


class Cluster:
    """Topics by name, and how many partitions they have."""

    def __init__(self, **topics: int) -> None:
        self.topics = {name.replace("_", "."): count for name, count in topics.items()}

    def partitions(self, topic: str) -> int:
        return self.topics[topic]

    def committed_topics(self) -> set[str]:
        return set()

    def ensure(self, topic: str, partitions: int, settings: object) -> int:
        return self.topics.setdefault(topic, partitions)

    def add_partitions(self, topic: str, partitions: int) -> None:
        if topic in self.topics:
            self.topics[topic] = max(self.topics[topic], partitions)

    def require_setting(self, topic: str, name: str, value: str) -> None:
        pass

    def command(self, tool: str, topic: str) -> str:
        return f"kafka-{tool}.sh --topic {topic}"


def prepare(cluster: Any, *, has_state: bool = True, keeps_partition: bool = True, **other: Any) -> Partitions:
    return prepare_topics(cluster, BROKER, settings(**other), has_state=has_state, keeps_partition=keeps_partition)


@pytest.mark.parametrize("role", ["input", "output", "dead_letters", "shadow_output"])
def test_a_name_of_the_maximum_length_is_allowed_and_a_longer_one_refused(role: str) -> None:
    check_names(BROKER, settings(**{role: "x" * MAX_NAME_LENGTH}))
    with pytest.raises(ConfigurationError, match=r"has 250 characters, but Kafka allows 249\. Nothing was created"):
        check_names(BROKER, settings(**{role: "x" * (MAX_NAME_LENGTH + 1)}))


def test_names_derived_from_the_group_are_checked_too() -> None:
    fits = BrokerSettings("broker:9092", "g" * (MAX_NAME_LENGTH - len(".state")))
    check_names(fits, settings())
    with pytest.raises(ConfigurationError, match="the name of the topic for --partition-by, ggg"):
        check_names(fits, settings(partition_by="house"))
    with pytest.raises(
        ConfigurationError, match=r"the name of the state topic, .*Choose a shorter --group or --output"
    ):
        check_names(BrokerSettings("broker:9092", fits.group + "g"), settings())


@loop_over("name", ["a b", "a/b", "ü", "", ".", "..", "a\n"])
def test_characters_that_kafka_does_not_allow_are_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be the name of the output: Kafka allows letters"):
        check_names(BROKER, settings(output=name))


def test_a_group_whose_state_topic_would_be_illegal_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"'my group\.state' cannot be the name of the state topic"):
        check_names(BrokerSettings("broker:9092", "my group"), settings())


@loop_over("role", ["input", "output", "dead_letters", "shadow_output"])
@loop_over("internal", ["group.state", "group.by-house", "group.by-house.state"])
def test_the_groups_own_topics_have_no_other_role(role: str, internal: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{internal} is the .* of the group group and cannot be the"):
        check_names(BROKER, settings(partition_by="house", **{role: internal}))


@pytest.mark.parametrize("letters", [1, 3, 9])
def test_dead_letters_may_have_any_number_of_partitions(letters: int) -> None:
    assert prepare(Cluster(**{"in": 4, "out": 4, "dead": letters})) == Partitions(4, letters)


def test_output_with_too_few_partitions_is_refused_with_a_command() -> None:
    narrow = Cluster(**{"in": 4, "out": 3})
    with pytest.raises(
        ConfigurationError, match=r"Add partitions: kafka-topics\.sh --topic out --alter --partitions 4"
    ):
        prepare(narrow)
    assert prepare(narrow, keeps_partition=False) == Partitions(4, 4)


def test_an_input_that_has_grown_is_refused_before_its_state_is_touched() -> None:
    cluster = Cluster(**{"in": 4, "out": 4, "dead": 2, "group_state": 2})
    with pytest.raises(StateError, match=r"in had 2 partitions when its state was written and now has 4") as caught:
        prepare(cluster)
    assert "delete" not in str(caught.value)
    assert cluster.topics["group.state"] == 2


@pytest.mark.parametrize("policy", ["rebuild", "start-empty"])
def test_with_a_policy_for_lost_state_the_state_topic_grows(policy: str) -> None:
    cluster = Cluster(**{"in": 4, "out": 4, "dead": 2, "group_state": 2})
    assert prepare(cluster, on_state_loss=policy) == Partitions(4, 2)
    assert cluster.topics["group.state"] == 4


def test_without_state_an_input_that_has_grown_is_served() -> None:
    cluster = Cluster(**{"in": 4, "out": 4, "dead": 2})
    assert prepare(cluster, has_state=False) == Partitions(4, 2)
    assert "group.state" not in cluster.topics
