"""Several workers as one service."""

from __future__ import annotations

import msgspec

from makiserve.monitoring.histogram import BATCH_RECORDS, STAGE_S
from makiserve.monitoring.merge import SHOWN, ended, merged
from makiserve.monitoring.snapshot import GroupPartition, ShownDrift, ShownPrediction, Snapshot, StateSize
from tests.unit.monitoring.example import filled, lane, life, snapshot


def test_one_worker_is_the_service() -> None:
    alone = snapshot()
    assert merged([alone]) is alone


def test_counts_add_up_and_lanes_are_in_order() -> None:
    first = snapshot(lanes=(lane(2),), workers=(life("worker 1"),), stages={"decode": filled(STAGE_S, 0.1)})
    second = snapshot(lanes=(lane(0), lane(1)), workers=(life("worker 0"),), dead={"predict": 4}, time_s=2001.0)
    both = merged([first, second])
    assert (both.totals.records, both.totals.outputs, both.totals.commits, both.totals.aborts) == (200, 80, 10, 2)
    assert both.totals.dead == {"decode": 2, "predict": 5}
    assert [lane_status.partition for lane_status in both.lanes] == [0, 1, 2]
    assert [worker.name for worker in both.workers] == ["worker 0", "worker 1"]
    assert both.totals.batch == filled(BATCH_RECORDS, 20, 80, 20, 80)
    assert both.totals.stages["decode"] == filled(STAGE_S, 0.1, 0.001)
    assert both.time_s == 2001.0


def test_merge_sums_state_and_keeps_the_maximum_drift() -> None:
    first = snapshot(state=(StateSize("sum", 0, 5), StateSize("group_by", 2, 9)), drift=(ShownDrift("total", 0.1, 50),))
    second = snapshot(state=(StateSize("group_by", 1, 4),), drift=(ShownDrift("total", 0.3, 7),))
    both = merged([first, second])
    assert both.state == (StateSize("sum", 0, 5), StateSize("group_by", 3, 13))
    assert both.drift == (ShownDrift("total", 0.3, 7),)


def test_merge_orders_predictions_of_all_workers_by_time() -> None:
    parts = [
        snapshot(
            predictions=tuple(
                ShownPrediction(number, time_ms, 2 * time_ms + number, "", "") for time_ms in range(SHOWN)
            )
        )
        for number in (0, 1)
    ]
    assert [prediction.time_ms for prediction in merged(parts).predictions] == list(range(SHOWN, 2 * SHOWN))


def test_snapshot_round_trip_between_processes() -> None:
    sent = snapshot()
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(sent), type=Snapshot) == sent


def test_merge_keeps_the_latest_view_of_the_group() -> None:
    early = snapshot(group=(GroupPartition("house", 0, 5, 50.0), GroupPartition("keys", 0, 1)), time_s=2000.0)
    late = snapshot(group=(GroupPartition("house", 0, 7),), time_s=2001.0)
    assert merged([late, early]).group == (GroupPartition("house", 0, 7), GroupPartition("keys", 0, 1))
    assert ended(early).group == ()
