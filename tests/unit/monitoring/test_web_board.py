"""The latest of every worker, and the last ten minutes."""

from __future__ import annotations

import msgspec
import pytest

from makiserve.monitoring.board import POINTS, Board
from makiserve.monitoring.health import Verdict
from makiserve.monitoring.histogram import LATENCY_S
from tests.unit.monitoring.example import SERVICE, filled, lane, life, snapshot


def test_nothing_is_known_before_the_first_snapshot() -> None:
    board = Board()
    assert board.latest is None
    assert board.past == []
    assert board.health().is_good
    assert not board.readiness().is_good


def test_history_covers_the_time_between_two_snapshots() -> None:
    board = Board()
    board.post("worker", snapshot())
    board.post("worker", snapshot(time_s=2001.0))  # too soon for a point of its own
    later = filled(LATENCY_S, 0.02, 0.2) + filled(LATENCY_S, *[1.0] * 4)
    lanes = (lane(0, lag_s=3.0), lane(1, end=None, lag_records=None))
    board.post(
        "worker", snapshot(time_s=2004.0, records=500, outputs=60, dead={"decode": 4}, latency=later, lanes=lanes)
    )
    point = board.past[0]
    assert (point.time_s, point.records, point.outputs, point.dead) == (2004.0, 100.0, 5.0, 0.25)
    assert (point.lag_records, point.lag_s) == (10, 3.0)
    assert point.p50_s == 0.875
    assert point.p99_s == pytest.approx(0.9975)


def test_the_past_is_bounded() -> None:
    board = Board()
    for number in range(POINTS + 10):
        board.post("worker", snapshot(time_s=2.0 * number))
    assert len(board.past) == POINTS


def test_service_is_ready_once_all_workers_have_started() -> None:
    board = Board(workers=2)
    board.post("worker 1", snapshot(workers=(life("worker 1"),)))
    assert board.readiness() == Verdict(False, "1 of 2 workers have started")
    board.post("worker 2", snapshot(workers=(life("worker 2"),)))
    assert board.readiness().is_good


def test_repartitioning_stage_is_part_of_the_board() -> None:
    board = Board(workers=2, output="house.predictions")
    between = msgspec.structs.replace(SERVICE, output="between")
    board.post("worker 1", snapshot(workers=(life("worker 1"),), lanes=(lane(0, topic="between"),)))
    board.post("keys 1", snapshot(workers=(life("keys 1"),), served=between, time_s=2001.0))
    latest = board.latest
    assert latest is not None
    assert latest.served == SERVICE
    assert (latest.totals.records, latest.totals.outputs, latest.totals.dead) == (103, 40, {"decode": 4, "predict": 2})
    assert [(lane_status.topic, lane_status.partition) for lane_status in latest.lanes] == [
        ("between", 0),
        ("house", 0),
        ("house", 1),
    ]
    assert board.readiness() == Verdict(True, "serving 3 partitions")


def test_workers_report_from_processes_of_their_own() -> None:
    board = Board()
    for name in ("worker 0", "worker 1"):
        board.post_bytes(name, msgspec.msgpack.encode(snapshot(workers=(life(name),))))
    assert board.latest is not None
    assert board.latest.totals.records == 200


def test_counters_do_not_decrease_after_a_worker_restart() -> None:
    board = Board()
    board.post("worker", snapshot(workers=(life(started_s=1000.0),)))
    board.post("worker", snapshot(workers=(life(started_s=1500.0),), records=5, dead={"predict": 1}, lanes=(lane(0),)))
    board.post("worker", snapshot(workers=(life(started_s=1600.0),), records=1, dead={}, lanes=()))
    latest = board.latest
    assert latest is not None
    assert latest.totals.records == 106
    assert latest.totals.dead == {"decode": 2, "predict": 2}
    assert latest.lanes == ()
    assert [worker.started_s for worker in latest.workers] == [1600.0]
