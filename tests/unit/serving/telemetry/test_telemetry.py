"""The snapshots that the loop publishes."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from makiserve.errors import DecodeError, PredictError
from makiserve.monitoring.snapshot import Snapshot, StateSize
from makiserve.scoring import Scored
from makiserve.serving.partition import Partition
from makiserve.serving.publisher import Published
from makiserve.serving.telemetry import measures as counts
from makiserve.serving.telemetry import telemetry as telemetry_module
from makiserve.serving.telemetry.lag_tracker import LagTracker
from makiserve.serving.telemetry.measures import TelemetrySink
from makiserve.serving.telemetry.telemetry import LOG_S, SNAPSHOT_S, Telemetry
from tests.unit.monitoring.example import SERVICE
from tests.unit.serving.fakes import message

NOTHING = Scored([], [], [], [])


class Clock:
    """A monotonic clock and a wall clock that stand still until they are moved."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        fake = SimpleNamespace(monotonic=lambda: self.now, time=lambda: 2.0 + self.now)
        for module in (counts, telemetry_module):
            monkeypatch.setattr(module, "time", fake)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def seen() -> list[Snapshot]:
    return []


@pytest.fixture
def telemetry(clock: Clock, seen: list[Snapshot]) -> Telemetry:
    sizes: Any = SimpleNamespace(snapshot=lambda lanes: (StateSize("sum", 0, 9),))
    return Telemetry(TelemetrySink("worker 1", seen.append), SERVICE, LagTracker(lambda number: 10), sizes)


def batch(telemetry: Telemetry) -> None:
    """Five records, from 1.000 s on: three outputs of two of them, two dead letters."""
    messages = [message(0, offset, b"{}") for offset in range(5)]
    dead = [(1, DecodeError("no")), (3, PredictError("no"))]
    telemetry.add(messages, NOTHING, Published([0, 0, 4], [b"1", b"2", b"3"], dead, 2))


def test_a_snapshot_is_published_once_a_second(telemetry: Telemetry, clock: Clock, seen: list[Snapshot]) -> None:
    for _ in range(3):
        telemetry.iterated([])
    assert len(seen) == 1
    clock.now += SNAPSHOT_S
    telemetry.iterated([])
    assert len(seen) == 2
    assert seen[1].time_s == 103.0
    assert (seen[1].workers[0].name, seen[1].workers[0].iterated_s) == ("worker 1", 101.0)
    assert seen[1].state == (StateSize("sum", 0, 9),)


def test_scored_records_are_counted_at_the_commit(telemetry: Telemetry, clock: Clock, seen: list[Snapshot]) -> None:
    batch(telemetry)
    telemetry.iterated([])
    assert (seen[0].totals.records, seen[0].totals.outputs, seen[0].totals.dead) == (0, 0, {})
    assert seen[0].totals.dropped_headers == 0
    telemetry.committed(0.25)
    clock.now += SNAPSHOT_S
    telemetry.iterated([])
    totals = seen[1].totals
    assert (totals.records, totals.outputs, totals.dead, totals.commits) == (
        5,
        3,
        {"decode": 1, "predict": 1},
        1,
    )
    assert totals.dropped_headers == 2
    assert totals.stages["commit"].total == 0.25
    assert seen[1].workers[0].committed_s == 100.0


def test_rewound_records_are_not_counted(telemetry: Telemetry, clock: Clock, seen: list[Snapshot]) -> None:
    batch(telemetry)
    telemetry.aborted(was_open=True)
    batch(telemetry)
    telemetry.committed(0.25)
    telemetry.iterated([])
    totals = seen[0].totals
    assert (totals.records, totals.dead, totals.commits, totals.aborts) == (
        5,
        {"decode": 1, "predict": 1},
        1,
        1,
    )
    assert seen[0].totals.latency.count == 5


def test_latency_is_from_the_records_timestamp_to_the_commit(
    telemetry: Telemetry, clock: Clock, seen: list[Snapshot]
) -> None:
    batch(telemetry)  # from 1.000 s to 1.004 s, committed at 102 s
    telemetry.committed(0.25)
    telemetry.iterated([])
    assert seen[0].totals.latency.total == pytest.approx(5 * 101 - 0.010)


def test_the_latency_of_a_large_batch_is_measured_on_eight_records(telemetry: Telemetry, seen: list[Snapshot]) -> None:
    telemetry.add([message(0, offset, b"{}") for offset in range(1000)], NOTHING, Published([], [], [], 0))
    telemetry.committed(0.25)
    telemetry.iterated([])
    assert seen[0].totals.latency.count == 8


def test_the_last_outputs_and_dead_letters_are_shown(telemetry: Telemetry, seen: list[Snapshot]) -> None:
    for _ in range(10):
        batch(telemetry)
    telemetry.iterated([])
    assert len(seen[0].predictions) == 20
    last = seen[0].predictions[-1]
    assert (last.partition, last.offset, last.time_ms, last.key, last.prediction) == (0, 4, 1004, "k", "3")
    assert [
        (dead_letter.offset, dead_letter.reason, dead_letter.error) for dead_letter in seen[0].dead_letters[-2:]
    ] == [
        (1, "decode", "no"),
        (3, "predict", "no"),
    ]


def test_record_content_in_the_status_is_shortened(telemetry: Telemetry, seen: list[Snapshot]) -> None:
    error = DecodeError("x" * 5000)
    telemetry.add([message(0, 0, b"{}"), message(0, 1, b"{}")], NOTHING, Published([0], [b"y" * 5000], [(1, error)], 0))
    telemetry.iterated([])
    assert len(seen[0].predictions[0].prediction) == len(seen[0].dead_letters[0].error) == 120


def test_counts_are_logged_once_a_minute(telemetry: Telemetry, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    batch(telemetry)
    telemetry.committed(0.1)
    telemetry.iterated([])
    clock.now += LOG_S
    telemetry.iterated([])
    telemetry.iterated([])
    assert caplog.messages == [
        "5 records, 3 outputs, 2 dead letters (decode: 1, predict: 1), 1 commits, 0 aborts since the start"
    ]


def test_partitions_are_shown_as_they_are(telemetry: Telemetry, seen: list[Snapshot]) -> None:
    partition = Partition("in", 3)
    telemetry.iterated([partition])
    lane = seen[0].lanes[0]
    assert (lane.partition, lane.phase, lane.end, lane.lag_records, lane.restored) == (3, "assigned", 10, 10, 0.0)
