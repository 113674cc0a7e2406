"""Stopping."""

from __future__ import annotations

import logging
import os
import signal
from types import SimpleNamespace

import pytest

from makiserve.serving import signals
from makiserve.serving.signals import DRAIN_S, Stop, stop_on_signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_asks_for_a_drain(number: signal.Signals, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with stop_on_signals() as stop:
        assert not stop.is_requested
        os.kill(os.getpid(), number)
        assert stop.is_requested
    assert caplog.messages == [f"{number.name}: draining; send it again to end at once"]


def test_the_second_signal_ends_at_once() -> None:
    with stop_on_signals():
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_afterwards_signals_are_what_they_were_before() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    with stop_on_signals():
        assert signal.getsignal(signal.SIGTERM) != before[0]
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


def test_a_drain_is_overdue_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(signals, "time", SimpleNamespace(monotonic=lambda: now[0]))
    stop = Stop()
    assert not stop.is_overdue()
    stop.request()
    now[0] += DRAIN_S
    assert not stop.is_overdue()
    now[0] += 0.1
    assert stop.is_overdue()
