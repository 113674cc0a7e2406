"""The checks before a service starts, and the reasons for a restart."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from rx import operators as rx_ops

from makiserve.errors import ConfigurationError, Fenced, PipelineError
from makiserve.kafka import TopicLimits
from makiserve.serving import serve, service
from makiserve.serving.signals import Stop
from makiserve.serving.topics import Partitions
from makiserve.settings import BrokerSettings, ServeSettings
from makiserve.stream.engine.trace import trace
from tests.unit.serving.fakes import packaged

BROKER = BrokerSettings("broker:9092", "group")
SETTINGS = ServeSettings("in", "out", "dead")


class Cluster:
    topics: dict[str, int] = {}
    committed: set[str] = set()

    def __init__(self, connection: object) -> None:
        self.created: dict[str, int] = {}

    def preflight(self, within: timedelta) -> None:
        pass

    def partitions(self, topic: str) -> int:
        return self.topics[topic]

    def ensure(self, topic: str, partitions: int, settings: object) -> int:
        return self.topics.setdefault(topic, partitions)

    def command(self, tool: str, topic: str) -> str:
        return f"kafka-{tool}.sh --topic {topic}"

    def committed_topics(self) -> set[str]:
        return self.committed

    def require_setting(self, topic: str, name: str, value: str) -> None:
        assert (topic, name, value) == ("group.state", "cleanup.policy", "compact")


class Limits:
    """The size limits of topics that any record fits into."""

    def __init__(self, connection: object, topics: list[str]) -> None:
        self.of = dict.fromkeys(topics, TopicLimits())

    def read(self) -> None:
        pass


class Worker:
    """Its runs end with `ends`; the last one when it is asked to stop. It switches to version 4 meanwhile."""

    ends: list[Exception] = []
    made: list[Worker] = []

    def __init__(
        self,
        processor: Any,
        broker: BrokerSettings,
        settings: ServeSettings,
        partitions: Partitions,
        stop: Stop,
        *_: Any,
    ) -> None:
        self.stop, self.dead_partitions, self.given = stop, partitions.dead_letters, processor.model
        self.processor = processor
        self.made.append(self)

    def run(self) -> None:
        self.processor.switch(packaged(version="4"))
        if self.ends:
            raise self.ends.pop(0)
        self.stop.request()


@pytest.fixture(autouse=True)
def fakes(monkeypatch: pytest.MonkeyPatch, stop: Stop) -> None:
    @contextmanager
    def given() -> Iterator[Stop]:
        yield stop

    monkeypatch.setattr(service, "Cluster", Cluster)
    monkeypatch.setattr(service, "Limits", Limits)
    monkeypatch.setattr(service, "assemble", Worker)
    monkeypatch.setattr(service, "stop_on_signals", given)
    monkeypatch.setattr(Cluster, "topics", {"in": 4, "out": 6})
    monkeypatch.setattr(Worker, "ends", [])
    monkeypatch.setattr(Worker, "made", [])


def test_dead_letter_and_state_topics_have_the_input_partitions() -> None:
    serve(packaged(), BROKER, SETTINGS)
    assert Cluster.topics["dead"] == Cluster.topics["group.state"] == 4
    assert [worker.dead_partitions for worker in Worker.made] == [4]


@pytest.mark.parametrize("settings", [ServeSettings("in", "in", "dead"), ServeSettings("in", "out", "in")])
def test_an_input_that_is_an_output_too_is_refused(settings: ServeSettings) -> None:
    with pytest.raises(ConfigurationError, match="would read its own outputs"):
        serve(packaged(), BROKER, settings)


def test_serve_group_of_another_input_is_refused_with_the_way_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cluster, "committed", {"before", "in"})
    with pytest.raises(ConfigurationError, match=r"group has committed offsets of before, .* reads in: .*--group"):
        serve(packaged(), BROKER, SETTINGS)
    assert "group.state" not in Cluster.topics
    monkeypatch.setattr(Cluster, "committed", {"in"})
    serve(packaged(), BROKER, SETTINGS)


def test_dead_letters_among_the_predictions_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="expect predictions"):
        serve(packaged(), BROKER, ServeSettings("in", "out", "out"))


def test_an_output_with_fewer_partitions_than_the_input_is_refused() -> None:
    Cluster.topics["out"] = 3
    with pytest.raises(ConfigurationError, match="out has 3 partitions, but in has 4"):
        serve(packaged(), BROKER, SETTINGS)


def test_a_pipeline_that_hides_its_state_is_refused() -> None:
    model = packaged(trace(rx_ops.scan(lambda total, step: total + step.value, 0)))
    with pytest.raises(PipelineError, match="can be replayed but not served"):
        serve(model, BROKER, SETTINGS)


def test_unnamed_instance_that_is_fenced_restarts(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    Worker.ends = [Fenced("the transaction took too long"), Fenced("again")]
    serve(packaged(), BROKER, SETTINGS)
    assert len(Worker.made) == 3
    assert caplog.messages[0] == "the transaction took too long: restarting from the last committed offset"


def test_restart_serves_the_version_that_was_served_last() -> None:
    Worker.ends = [Fenced("the transaction took too long")]
    serve(packaged(version="3"), BROKER, SETTINGS)
    assert [worker.given.version for worker in Worker.made] == ["3", "4"]


def test_shadow_topic_has_the_partitions_of_the_input() -> None:
    with pytest.raises(ConfigurationError, match="the shadow cannot write to out, "):
        serve(packaged(), BROKER, ServeSettings("in", "out", "dead", shadow_output="out"))
    Cluster.topics["shadow"] = 3
    with pytest.raises(ConfigurationError, match="shadow has 3 partitions, but in has 4"):
        serve(packaged(), BROKER, ServeSettings("in", "out", "dead", shadow_output="shadow"))


NAMED = BrokerSettings("broker:9092", "group", instance="pod-0")


def test_named_instance_that_is_fenced_once_restarts() -> None:
    Worker.ends = [Fenced("the transaction took too long")]
    serve(packaged(), NAMED, SETTINGS)
    assert len(Worker.made) == 2


def test_named_instance_that_is_fenced_twice_leaves_its_partitions() -> None:
    Worker.ends = [Fenced("fenced"), Fenced("fenced")]
    with pytest.raises(Fenced, match=r"fenced\. Another instance named pod-0 has taken over"):
        serve(packaged(), NAMED, SETTINGS)
    assert len(Worker.made) == 2


def test_instance_that_is_fenced_while_draining_does_not_restart(stop: Stop, monkeypatch: pytest.MonkeyPatch) -> None:
    def drain(self: Worker) -> None:
        stop.request()
        raise Fenced("the transaction took too long")

    monkeypatch.setattr(Worker, "run", drain)
    with pytest.raises(Fenced):
        serve(packaged(), BROKER, SETTINGS)
    assert len(Worker.made) == 1
