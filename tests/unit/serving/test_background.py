"""A call on a thread of its own, and what is done meanwhile."""

from __future__ import annotations

import threading

import pytest

from makiserve.errors import AbortTransaction
from makiserve.serving import background as module
from makiserve.serving.background import Background, StillRunning


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SLOW_S", 0.001)


def test_a_call_runs_on_the_thread_and_gives_its_result() -> None:
    thread = Background("score")
    assert thread.run(lambda: threading.current_thread().name, lambda: None) == "score"
    assert thread.run(lambda: threading.current_thread().daemon, lambda: None)


def test_error_of_a_background_call_is_raised_in_the_caller() -> None:
    with pytest.raises(ZeroDivisionError):
        Background("score").run(lambda: 1 / 0, lambda: None)


def test_caller_keeps_working_during_a_background_call() -> None:
    thread, done, where = Background("score"), threading.Event(), []

    def meanwhile() -> None:
        where.append(threading.current_thread())
        if len(where) == 3:
            done.set()

    assert thread.run(done.wait, meanwhile)
    assert set(where) == {threading.current_thread()}


def test_an_error_meanwhile_waits_for_the_call_to_end() -> None:
    thread, ended, calls = Background("score"), threading.Event(), []

    def meanwhile() -> None:
        calls.append(1)
        if len(calls) == 3:
            ended.set()
        raise AbortTransaction(f"number {len(calls)}")

    with pytest.raises(AbortTransaction, match="number 1"):
        thread.run(ended.wait, meanwhile)
    assert ended.is_set()


def test_call_is_not_awaited_after_its_timeout() -> None:
    thread, done, asked = Background("score"), threading.Event(), []

    def is_over() -> bool:
        asked.append(1)
        return len(asked) == 3

    with pytest.raises(StillRunning):
        thread.run(done.wait, lambda: None, is_over)
    done.set()
    assert thread.run(lambda: 7, lambda: None) == 7
