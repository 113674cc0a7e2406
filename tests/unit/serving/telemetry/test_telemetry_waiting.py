"""A loop that waited for a broker or a slow batch did not report: after two minutes its probe killed it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from makiserve.monitoring.health import health
from makiserve.monitoring.snapshot import Snapshot
from makiserve.serving.telemetry import telemetry as module
from makiserve.serving.telemetry.lag_tracker import LagTracker
from makiserve.serving.telemetry.measures import TelemetrySink
from makiserve.serving.telemetry.telemetry import Telemetry
from tests.unit.monitoring.example import SERVICE


def test_a_loop_that_waits_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    now, seen = 100.0, list[Snapshot]()
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now, time=lambda: now))
    sizes: Any = SimpleNamespace(snapshot=lambda lanes: ())
    telemetry = Telemetry(TelemetrySink("worker", seen.append), SERVICE, LagTracker(lambda number: 10), sizes)
    telemetry.iterated([])
    for _ in range(100):
        now += 2.0
        telemetry.heartbeat()
    assert health(seen[-1], 0.0, now).is_good
    assert not health(seen[0], 0.0, now).is_good
