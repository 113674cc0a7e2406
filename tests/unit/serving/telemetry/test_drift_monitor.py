"""Drift, from a sample of what is scored."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import NamedTuple

import pytest

from makiserve.scoring import Scored
from makiserve.scoring.drift import Profile, profile_from
from makiserve.serving.telemetry import drift_monitor as drifting
from makiserve.serving.telemetry.drift_monitor import MIN_VALUES, SPAN_S, WAITING, DriftMonitor


class Features(NamedTuple):
    total: float


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(drifting, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


@pytest.fixture
def profile() -> Profile:
    chance = random.Random(1)
    values = [chance.gauss(0, 1) for _ in range(5000)]
    return profile_from({"total": values, "prediction": values})


def batch(shift: float, count: int = 100, seed: int = 2) -> Scored:
    chance = random.Random(seed)
    values = [chance.gauss(shift, 1) for _ in range(count)]
    return Scored(list(range(count)), [Features(value) for value in values], values, [])


def test_features_as_in_training_have_no_drift(now: list[float], profile: Profile) -> None:
    watching = DriftMonitor(profile)
    for seed in range(20):
        watching.add(batch(0.0, seed=seed))
    shown = {drift.feature: drift for drift in watching.snapshot()}
    assert shown.keys() == {"total", "prediction"}
    assert shown["total"].psi < 0.1


def test_moved_and_unmoved_features_are_both_reported(now: list[float], profile: Profile) -> None:
    watching = DriftMonitor(profile)
    for seed in range(20):
        watching.add(batch(0.0, seed=seed)._replace(predictions=[5.0] * 100))
    psi = {drift.feature: drift.psi for drift in watching.snapshot()}
    assert psi["total"] < 0.1
    assert psi["prediction"] > 0.25


def test_few_values_show_no_drift(now: list[float], profile: Profile) -> None:
    watching = DriftMonitor(profile)
    watching.add(batch(3.0, MIN_VALUES - 1))
    assert watching.snapshot() == ()


def test_a_feature_that_is_gone_has_drifted(now: list[float], profile: Profile) -> None:
    watching = DriftMonitor(profile)
    gone = batch(0.0, 1000)
    watching.add(gone._replace(features=[Features(float("nan"))] * 1000))
    (total, _) = watching.snapshot()
    assert (total.missing, total.psi > 1) == (1.0, True)


@pytest.mark.slow
def test_a_daily_pattern_does_not_alias_with_the_sample(now: list[float]) -> None:
    watching = DriftMonitor(profile_from({"total": [float(hour % 24) for hour in range(24_000)]}))
    for _ in range(10):
        hours = [Features(float(hour % 24)) for hour in range(24_000)]
        watching.add(Scored([], hours, [None] * len(hours), []))
        (total,) = watching.snapshot()
        now[0] += 1
    assert total.psi < 0.02


def test_a_busy_second_counts_by_its_records(now: list[float], profile: Profile) -> None:
    watching = DriftMonitor(profile)
    for shift, count in ((0.0, 100_000), (9.0, 2_000)):
        watching.add(batch(shift, count))
        shown = {drift.feature: drift for drift in watching.snapshot()}
    assert shown["total"].beyond == pytest.approx(2_000 / 102_000, rel=0.1)


def test_reported_drift_covers_the_last_spans(now: list[float], profile: Profile) -> None:
    watching = DriftMonitor(profile)
    for shift in (9.0, 0.0, 0.0, 0.0):
        for seed in range(20):
            watching.add(batch(shift, seed=seed))
        psi = {drift.feature: drift.psi for drift in watching.snapshot()}
        now[0] += SPAN_S
    assert psi["total"] < 0.1


def test_a_large_batch_is_looked_at_in_part(now: list[float], profile: Profile) -> None:
    watching = DriftMonitor(profile)
    for _ in range(100):
        watching.add(batch(0.0, 1000))
    assert watching.snapshot()[0].records == WAITING


def test_without_a_profile_there_is_no_drift() -> None:
    watching = DriftMonitor(None)
    watching.add(batch(0.0))
    assert watching.snapshot() == ()
