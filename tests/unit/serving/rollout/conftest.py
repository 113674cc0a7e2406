"""A worker on a Kafka in memory that watches a registry in memory."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from makiserve.scoring import Role
from makiserve.serving import assemble as module
from makiserve.serving.rollout import alias_watcher as watching
from makiserve.serving.rollout.alias_watcher import AliasWatcher
from makiserve.serving.scoring_processor import ScoringProcessor
from makiserve.serving.topics import Partitions
from makiserve.serving.worker import Worker
from makiserve.settings import BrokerSettings, ServeSettings
from tests.unit.serving.fakes import Consumer, Kafka, Limits, Lookup, Producer, packaged

Make = Callable[..., Worker]


class Registry:
    """Versions by number, those that the aliases name, and the errors that stand in for either."""

    def __init__(self, **models: Any) -> None:
        self.alias: Any = "3"
        self.companions: dict[Role, Any] = {}
        self.versions: dict[str, Any] = {}
        self.loads: list[str] = []
        self.tried: list[str] = []
        self.fails_try_out: Exception | None = None

    def newest(self, role: Role) -> str | None:
        named = self.alias if role == "champion" else self.companions.get(role)
        if isinstance(named, Exception):
            raise named
        return named and f"models:/house/{named}"

    def load(self, model_version: str, role: Role = "champion", served: Any = None) -> Any:
        self.loads.append(model_version)
        loaded = self.versions[model_version.rpartition("/")[2]]
        if isinstance(loaded, Exception):
            raise loaded
        if served is None:
            return loaded
        companions = served.companions if role == "champion" else served.companions.with_model(role, loaded)
        return SimpleNamespace(**vars(loaded if role == "champion" else served) | {"companions": companions})

    def try_out(self, model_version: str, check: Any) -> None:
        self.tried.append(model_version)
        if self.fails_try_out:
            raise self.fails_try_out


class AtOnce:
    """A thread that has done it already."""

    def __init__(self, name: str) -> None:
        pass

    def submit(self, call: Callable[[], Any]) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(call())
        return future


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def make(kafka: Kafka, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Make:
    """`make(model, on_state_loss="rebuild")`: a worker that looks at the registry at every other turn."""
    monkeypatch.setattr(module, "TransactionalProducer", lambda connection, batch_bytes: Producer(kafka))
    monkeypatch.setattr(module, "Limits", lambda connection, topics: Limits())
    monkeypatch.setattr(module, "InputConsumer", lambda connection, topic: Consumer(kafka))
    monkeypatch.setattr(module, "OffsetsClient", lambda connection, topic: Lookup(kafka))
    monkeypatch.setattr(watching, "Background", AtOnce)

    def build(model: Any = None, **options: Any) -> Worker:
        settings = {"max_batch": 1, "commit_interval": timedelta(0), **options}
        serve = ServeSettings("in", "out", "dead", **settings)
        model = model or packaged(registry=registry)
        registry.versions[model.version] = model
        watch = AliasWatcher(registry, timedelta(0), serve.on_state_loss, model)
        worker = module.assemble(
            ScoringProcessor(model, serve),
            BrokerSettings("broker:9092", "group"),
            serve,
            Partitions(2, 2),
            kafka.stop,
            watch=watch,
        )
        consumer: Any = worker.consumer
        kafka.turns.insert(0, lambda: consumer.come(0, 1))
        return worker

    return build
