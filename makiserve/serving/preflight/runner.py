"""Run checks in order; skip those that depend on a failed one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple

from makiserve.artifact import FeaturesOnly, PackagedModel
from makiserve.errors import ConfigurationError, MakiserveError
from makiserve.kafka import Cluster, Connection, Message, MessageDecoder, Topic, TopicInspector, direct_decoder
from makiserve.records import Schema
from makiserve.settings import BrokerSettings, ServeSettings

SAMPLE = 100
"""Number of records to read from each partition."""


class Finding(NamedTuple):
    """The findings of a check.

    Attributes:
        words: the facts.
        advice: what to change; empty if all is well.
    """

    words: str
    advice: str = ""


class Check(NamedTuple):
    """A check.

    Attributes:
        name: its subject.
        find: returns the findings; raises if the service could not run.
        needs: names of the checks that it depends on.
    """

    name: str
    find: Callable[[ServiceFacts], Finding]
    needs: tuple[str, ...] = ()


class CheckResult(NamedTuple):
    """The outcome of a check.

    Attributes:
        words: the facts, or the error.
        advice: what to change.
        exit_code: exit code of the error; 0 if there is none.
    """

    outcome: Literal["passed", "warned", "failed", "skipped"]
    name: str
    words: str
    advice: str = ""
    exit_code: int = 0


@dataclass(frozen=True)
class ServiceFacts:
    """The facts that the checks examine, each determined once, on first access.

    Attributes:
        load: loads the model and compares it with its reference records.
    """

    load: Callable[[], PackagedModel | FeaturesOnly]
    broker: BrokerSettings
    serving: ServeSettings
    _topics: dict[str, Topic | None] = field(default_factory=dict)

    @cached_property
    def model(self) -> PackagedModel | FeaturesOnly:
        return self.load()

    @cached_property
    def connection(self) -> Connection:
        return Connection(self.broker)

    @cached_property
    def cluster(self) -> Cluster:
        return Cluster(self.connection)

    @cached_property
    def inspector(self) -> TopicInspector:
        return TopicInspector(self.connection)

    @cached_property
    def decoder(self) -> MessageDecoder:
        return direct_decoder(Schema(self.model.record), self.broker)

    @cached_property
    def sample(self) -> list[Message]:
        """The last records of the input."""
        return self.inspector.tail(self.topic(self.serving.input), SAMPLE)

    def topic(self, name: str) -> Topic:
        """Return a required topic.

        Raises:
            ConfigurationError: the topic does not exist.
        """
        topic = self.find_topic(name)
        if topic is None:
            raise ConfigurationError(
                f"topic {name} does not exist, or the principal may not see it: create it, or grant Read on an "
                "input, Write on an output"
            )
        return topic

    def find_topic(self, name: str) -> Topic | None:
        """Return a topic; None if it does not exist."""
        if name not in self._topics:
            self._topics[name] = self.inspector.topic(name)
        return self._topics[name]


def run(checks: Sequence[Check], facts: ServiceFacts) -> Iterator[CheckResult]:
    """Yield the results of all checks, each as soon as it is known."""
    lost: set[str] = set()
    for check in checks:
        if missing := [name for name in check.needs if name in lost]:
            lost.add(check.name)
            yield CheckResult("skipped", check.name, f"needs {' and '.join(missing)}")
            continue
        try:
            finding = check.find(facts)
        except MakiserveError as error:
            lost.add(check.name)
            yield CheckResult("failed", check.name, str(error), exit_code=error.exit_code)
        else:
            yield CheckResult("warned" if finding.advice else "passed", check.name, *finding)
