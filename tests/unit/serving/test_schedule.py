"""The times at which commits and checkpoints are due."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from makiserve.serving import schedule as module
from makiserve.serving.schedule import (
    CHECKPOINT_S,
    CHECKPOINT_SHARE,
    IDLE,
    QUIET_COMMIT,
    RESTORING,
    SLICE_INTERVAL,
    Schedule,
)

INTERVAL = timedelta(milliseconds=100)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    time: Any = SimpleNamespace(now=100.0, monotonic=lambda: time.now)
    monkeypatch.setattr(module, "time", time)
    return time


def test_idle_worker_waits_and_busy_worker_commits_when_due(clock: SimpleNamespace) -> None:
    schedule = Schedule(INTERVAL)
    assert schedule.wait(is_restoring=False) == IDLE
    assert schedule.wait(is_restoring=True) == RESTORING
    schedule.request_commit(100.0, has_outputs=True)
    assert schedule.wait(is_restoring=False).total_seconds() == pytest.approx(0.1)
    assert not schedule.is_due
    clock.now = 100.2
    assert schedule.is_due
    assert schedule.wait(is_restoring=False) == timedelta(0)


def test_offsets_without_outputs_may_wait_and_outputs_behind_them_may_not(clock: SimpleNamespace) -> None:
    schedule = Schedule(INTERVAL)
    schedule.request_commit(100.0, has_outputs=False)
    clock.now += INTERVAL.total_seconds()
    assert not schedule.is_due
    schedule.request_commit(100.0, has_outputs=True)
    assert schedule.is_due
    schedule.committed(clock.now, is_saving=False, is_unsaved=False)
    schedule.request_commit(clock.now, has_outputs=False)
    clock.now += QUIET_COMMIT.total_seconds()
    assert schedule.is_due


def test_state_is_saved_every_five_seconds_though_no_record_comes_any_more(clock: SimpleNamespace) -> None:
    schedule = Schedule(INTERVAL)
    schedule.committed(100.0, is_saving=False, is_unsaved=True)
    clock.now += CHECKPOINT_S - 0.1
    assert (schedule.is_due, schedule.is_saving) == (False, False)
    clock.now += 0.1
    assert schedule.is_due
    assert schedule.is_saving
    schedule.committed(clock.now, is_saving=True, is_unsaved=False)
    assert (schedule.is_due, schedule.is_saving) == (False, False)


def test_unfinished_checkpoint_is_continued_by_a_later_commit(clock: SimpleNamespace) -> None:
    schedule = Schedule(timedelta(seconds=10))
    schedule.committed(clock.now, is_saving=True, is_unsaved=True, is_unfinished=True)
    assert not schedule.is_due
    clock.now += SLICE_INTERVAL.total_seconds()
    assert schedule.is_due


def test_schedule_checkpoints_that_records_wait_for_are_continued_at_once(clock: SimpleNamespace) -> None:
    schedule = Schedule(INTERVAL)
    clock.now += CHECKPOINT_S
    for _ in range(3):
        began = clock.now
        clock.now += 0.5
        schedule.committed(began, is_saving=True, is_unsaved=True, is_unfinished=True, is_waiting=True)
        assert (schedule.is_due, schedule.is_saving) == (True, True)
    schedule.committed(clock.now - 0.5, is_saving=True, is_unsaved=True)
    clock.now += CHECKPOINT_SHARE * 2.0 - 1  # of all four commits
    assert not schedule.is_saving
    clock.now += 1
    assert schedule.is_saving


def test_saving_that_takes_long_is_done_less_often(clock: SimpleNamespace) -> None:
    schedule = Schedule(INTERVAL)
    began = clock.now
    clock.now += 1.0
    schedule.committed(began, is_saving=True, is_unsaved=False)
    clock.now += CHECKPOINT_SHARE - 1
    assert not schedule.is_saving
    clock.now += 1
    assert schedule.is_saving
