"""Runs checks, one after another; what depends on one that failed is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple

from makiserve.artifact import FeaturesOnly, PackagedModel
from makiserve.errors import ConfigurationError, MakiserveError
from makiserve.kafka import Cluster, Connection, Message, Topic, TopicInspector
from makiserve.settings import BrokerSettings, ServeSettings

SAMPLE = 100
"""How many records of each partition are looked at."""


class Status(NamedTuple):
    """What a check found.

    Attributes:
        words: the facts.
        advice: what had better be changed; empty where all is well.
    """

    words: str
    advice: str = ""


class Check(NamedTuple):
    """A check.

    Attributes:
        name: its subject.
        find: says what is so; it raises where the service could not run.
        needs: the names of the checks without which it makes no sense.
    """

    name: str
    find: Callable[[Facts], Status]
    needs: tuple[str, ...] = ()


class CheckResult(NamedTuple):
    """The outcome of a check.

    Attributes:
        words: the facts, or the error.
        advice: what had better be changed.
        exit_code: of the error.
    """

    outcome: Literal["passed", "warned", "failed", "left out"]
    name: str
    words: str
    advice: str = ""
    exit_code: int = 0


@dataclass(frozen=True)
class Facts:
    """What the checks are about; each is found out once, when a check first asks.

    Attributes:
        load: loads what is served, and holds it against its reference records.
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
    def survey(self) -> TopicInspector:
        return TopicInspector(self.connection)

    @cached_property
    def sample(self) -> list[Message]:
        """The last records of the input."""
        return self.survey.tail(self.topic(self.serving.input), SAMPLE)

    def topic(self, name: str) -> Topic:
        """A topic that must be there.

        Raises:
            ConfigurationError: it is not.
        """
        found = self.find_topic(name)
        if found is None:
            raise ConfigurationError(
                f"there is no topic {name}, or the principal may not see it: create it, or grant it Read on an input, "
                "Write on an output"
            )
        return found

    def find_topic(self, name: str) -> Topic | None:
        """A topic; None where there is none."""
        if name not in self._topics:
            self._topics[name] = self.survey.topic(name)
        return self._topics[name]


def run(checks: Sequence[Check], facts: Facts) -> Iterator[CheckResult]:
    """The lines of all checks, each as soon as it is known."""
    lost: set[str] = set()
    for check in checks:
        if missing := [name for name in check.needs if name in lost]:
            lost.add(check.name)
            yield CheckResult("left out", check.name, f"needs {' and '.join(missing)}")
            continue
        try:
            found = check.find(facts)
        except MakiserveError as error:
            lost.add(check.name)
            yield CheckResult("failed", check.name, str(error), exit_code=error.exit_code)
        else:
            yield CheckResult("warned" if found.advice else "passed", check.name, *found)
