"""A Kafka in memory, and no sleep."""

from __future__ import annotations

import pytest

from makiserve.serving.signals import Stop
from tests.unit.serving.fakes import Kafka


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the pauses that were requested; nothing sleeps."""
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    return pauses


@pytest.fixture
def stop() -> Stop:
    return Stop()


@pytest.fixture
def kafka(stop: Stop) -> Kafka:
    """Two partitions; the running totals are 1, 3, 6, 10, 15 and 10, 30, 60, 100, 150."""
    return Kafka(stop, [1, 2, 3, 4, 5], [10, 20, 30, 40, 50])
