"""Processes that end, are started again, and drain together."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
from collections.abc import Callable
from multiprocessing.connection import Pipe
from pathlib import Path
from typing import Any

import pytest

from makiserve.errors import PipelineChanged
from makiserve.serving import supervisor
from makiserve.serving import worker_slot as link
from makiserve.serving import worker_slot as post
from makiserve.serving.signals import Stop
from makiserve.serving.supervisor import Supervisor
from makiserve.serving.worker_slot import WorkerSlot, WorkerSpec

COMMAND = [sys.executable, str(Path(__file__).with_name("supervised.py"))]

Supervise = Callable[..., Supervisor]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post, "MAX_PAUSE_S", 0.0)


class Watched:
    """A sink for the reports to the supervisor, which stops it after enough of them."""

    def __init__(self, stop: Stop, log: Path) -> None:
        self.stop = stop
        self.log = log
        self.heard: list[tuple[str, bytes]] = []
        self.enough = 0

    def __call__(self, name: str, report: bytes) -> None:
        self.heard.append((name, report))
        if len(self.heard) == self.enough:
            self.stop.request()

    def starts(self, name: str) -> list[list[str]]:
        return [line.split() for line in self.log.read_text().splitlines() if line.startswith(name + " ")]


@pytest.fixture
def watched(stop: Stop, tmp_path: Path) -> Watched:
    return Watched(stop, tmp_path / "log")


def make(watched: Watched, *jobs: dict[str, Any]) -> Supervisor:
    named = [(f"w{number}", job) for number, job in enumerate(jobs, start=1)]
    tasks = [WorkerSpec(name, job | {"log": str(watched.log), "name": name}) for name, job in named]
    return Supervisor(COMMAND, tasks, watched)


def test_each_task_has_a_process_that_reports_and_one_stop_drains_all(watched: Watched) -> None:
    watched.enough = 2
    assert make(watched, {"does": ["report"]}, {"does": ["report"]}).run(watched.stop) == 0
    assert sorted(watched.heard) == [("w1", b"w1 here"), ("w2", b"w2 here")]
    for name in ("w1", "w2"):
        ((_, pid, has_its_own_session),) = watched.starts(name)
        assert has_its_own_session == "True"
        assert not Path(f"/proc/{pid}").exists()


@pytest.mark.slow
@pytest.mark.parametrize("how", [4, 70, 0, -signal.SIGKILL])
def test_process_that_ends_is_restarted(watched: Watched, how: int, caplog: pytest.LogCaptureFixture) -> None:
    watched.enough = 1
    assert make(watched, {"does": ["once", how]}, {"does": []}).run(stop_at_second_start(watched)) == 0
    assert len(watched.starts("w1")) == 2
    assert len(watched.starts("w2")) == 1
    words = {0: "w1 exited:", -9: "w1 exited, killed by SIGKILL:"}
    assert words.get(how, f"w1 exited with exit code {how}:") + " restarting it in 0 s" in caplog.text


def stop_at_second_start(watched: Watched) -> Any:
    """A stop that is asked when the first task has been started twice and the second once."""

    class Seen(Stop):
        @property
        def is_requested(self) -> bool:
            return watched.log.exists() and len(watched.starts("w1")) == 2 and len(watched.starts("w2")) == 1

    return Seen()


@pytest.mark.parametrize("code", [2, 3, 5])
def test_fatal_exit_code_drains_all_workers_and_is_returned(
    watched: Watched, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    assert make(watched, {"does": [code]}, {"does": ["report"]}).run(watched.stop) == code
    assert len(watched.starts("w1")) == 1
    assert f"w1 exited with exit code {code} and cannot be restarted: draining the other workers" in caplog.text
    assert f"exiting with code {code}, that of w1" in caplog.text


def test_after_too_many_failures_in_a_row_all_drain(
    watched: Watched, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(supervisor, "MAX_FAILURES", 2)
    assert make(watched, {"does": [-signal.SIGKILL]}).run(watched.stop) == 137
    assert len(watched.starts("w1")) == 3
    assert "killed by SIGKILL, 3 times in a row: draining the other workers" in caplog.text


def test_restart_for_another_pipeline_during_a_drain_is_a_drain(watched: Watched) -> None:
    watched.enough = 2
    jobs = [{"does": ["report"], "drained": code} for code in (0, PipelineChanged.exit_code)]
    assert make(watched, *jobs).run(watched.stop) == 0


def test_the_highest_code_of_a_drain_is_the_supervisors(watched: Watched) -> None:
    watched.enough = 3
    jobs = [{"does": ["report"], "drained": code} for code in (0, 5, 4)]
    assert make(watched, *jobs).run(watched.stop) == 5


def test_a_second_signal_ends_all_by_force(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "FORCED_S", 0.2)
    supervised = make(watched, {"does": ["report", "stubborn"]})
    asked = iter([False])

    class Twice(Stop):
        @property
        def is_requested(self) -> bool:
            if watched.heard and next(asked, None) is None:
                raise KeyboardInterrupt
            return bool(watched.heard)

    with pytest.raises(KeyboardInterrupt):
        supervised.run(Twice())
    ((_, pid, _),) = watched.starts("w1")
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.slow
def test_workers_drain_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    code = f"""
from makiserve.serving.worker_slot import WorkerSpec
from makiserve.serving.signals import Stop
from makiserve.serving.supervisor import Supervisor
tasks = [WorkerSpec(name, dict(log={str(tmp_path / "log")!r}, name=name, does=["report"])) for name in ("a", "b")]
Supervisor({COMMAND!r}, tasks, lambda name, report: print(name, flush=True)).run(Stop())
"""
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    with parent:
        assert {parent.stdout.readline(), parent.stdout.readline()} == {"a\n", "b\n"}
        parent.kill()
        assert parent.stdout.read() == ""  # the workers have inherited it: it ends when they have


def test_pauses_grow_from_nothing_to_half_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post, "MAX_PAUSE_S", 30.0)
    slot = WorkerSlot(WorkerSpec("w", None), [])
    pauses = []
    for slot.failures in range(1, 10):
        pauses.append(slot.schedule_restart())
    assert pauses == [0, 1, 2, 4, 8, 16, 30, 30, 30]


def test_report_is_skipped_without_a_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    ends: queue.Queue[object] = queue.Queue()
    monkeypatch.setattr("makiserve.serving.worker_slot.os.kill", lambda *how: ends.put(how))
    monkeypatch.setattr("makiserve.serving.worker_slot.os._exit", ends.put)
    ours, theirs = Pipe()
    ours.send("the job")
    child = link.ControlPipe(os.dup(theirs.fileno()))
    theirs.close()
    assert child.job == "the job"
    for _ in range(1000):
        child.report(b"x" * 10_000)  # nobody reads: it would wait for ever
    ours.close()
    child.report(b"nobody is there")
    assert ends.get(timeout=60) == (os.getpid(), signal.SIGTERM)
    assert ends.get(timeout=60) == 1
