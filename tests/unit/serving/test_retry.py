"""Pauses between attempts, and when a failure is worth a line."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from makiserve.serving import retry as module
from makiserve.serving.retry import OVER_S, SUMMARY_S, Retries


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The time in seconds, `clock.now`."""
    time: Any = SimpleNamespace(now=100.0, monotonic=lambda: time.now)
    monkeypatch.setattr(module, "time", time)
    return time


def fail(retries: Retries, clock: SimpleNamespace) -> tuple[float, bool]:
    pause = retries.failed()
    clock.now += pause
    return pause, retries.should_log


def test_pauses_double_up_to_their_maximum(clock: SimpleNamespace) -> None:
    retries = Retries(max_pause_s=1.0)
    assert [fail(retries, clock)[0] for _ in range(6)] == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


def test_first_failure_is_logged_and_then_one_per_minute(clock: SimpleNamespace) -> None:
    retries, began, logged = Retries(max_pause_s=1.0), clock.now, []
    while clock.now < began + 3 * SUMMARY_S + 10:
        if fail(retries, clock)[1]:
            logged.append(round(clock.now - began))
    assert len(logged) == 4
    assert retries.count > 150
    assert retries.lasting_s > 3 * SUMMARY_S


def test_first_failure_after_a_success_is_logged_and_retried_soon(clock: SimpleNamespace) -> None:
    retries = Retries()
    for _ in range(5):
        fail(retries, clock)
    retries.succeeded()
    assert fail(retries, clock) == (0.1, True)


def test_recurring_failure_is_logged_once_until_it_stays_away(clock: SimpleNamespace) -> None:
    retries = Retries()
    assert fail(retries, clock) == (0.1, True)
    clock.now += OVER_S
    assert fail(retries, clock) == (0.2, False)
    clock.now += OVER_S + module.MAX_PAUSE_S + 1
    assert fail(retries, clock) == (0.1, True)


def test_pauses_stay_finite_however_many_attempts_fail(clock: SimpleNamespace) -> None:
    retries = Retries()
    assert max(retries.failed() for _ in range(5000)) == module.MAX_PAUSE_S
