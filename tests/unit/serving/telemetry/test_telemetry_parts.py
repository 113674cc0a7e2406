"""Lag, time per stage, size of the state, and the served model."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import rx

import makiserve.stream as rs
from makiserve.kafka import LOG_APPEND_TIME
from makiserve.monitoring.snapshot import LaneStatus, StateSize
from makiserve.scoring import Batch, Scorer
from makiserve.serving.partition import Partition, Phase
from makiserve.serving.state.offset_metadata import Position
from makiserve.serving.telemetry import lag_tracker as lanes
from makiserve.serving.telemetry import measures as memory
from makiserve.serving.telemetry import measures as sizes
from makiserve.serving.telemetry import measures as stages
from makiserve.serving.telemetry.description import steps
from makiserve.serving.telemetry.lag_tracker import LagTracker
from makiserve.serving.telemetry.measures import EVERY_S, SHARE, CommittedCounts, Stages, StateSizer, Timings
from makiserve.stream.engine.trace import trace
from tests.unit.serving.fakes import Model, Step


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, wherever it is asked for."""
    now = [1000.0]
    for module in (lanes, sizes):
        clock = SimpleNamespace(time=lambda: now[0], monotonic=lambda: now[0])
        monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(stages, "perf_counter", lambda: now[0])
    return now


class Watched:
    """One partition that is watched, of 10 records."""

    def __init__(self) -> None:
        self.end: int | None = 10
        self.lanes = LagTracker(lambda number: self.end)
        self.partition = Partition("in", 0)
        self.partition.phase = Phase.RUNNING

    def at(self, committed: int, next_offset: int | None = None) -> LaneStatus:
        self.partition.position = Position(committed, 0)
        self.partition.next_offset = committed if next_offset is None else next_offset
        return self.lanes.snapshot([self.partition])[0]


def message(offset: int, time_ms: int, kind: int = 1) -> Any:
    return SimpleNamespace(partition=lambda: 0, offset=lambda: offset, timestamp=lambda: (kind, time_ms))


@pytest.fixture
def watched(now: list[float]) -> Watched:
    return Watched()


def test_a_partition_that_is_even_has_no_lag(watched: Watched) -> None:
    lane = watched.at(10)
    assert (lane.lag_records, lane.lag_s) == (0, 0.0)


def test_waiting_records_arrived_after_the_partition_was_drained(watched: Watched, now: list[float]) -> None:
    watched.at(10)
    now[0] += 3
    watched.end = 12
    assert watched.at(10).lag_s == 3.0


@pytest.mark.parametrize("time_ms", [0, 5_000, 900_000, 10**15], ids=["zero", "old", "recent", "future"])
def test_the_lag_does_not_depend_on_the_producers_times(watched: Watched, now: list[float], time_ms: int) -> None:
    watched.at(4)
    now[0] += 2
    watched.lanes.scored([message(5, time_ms)])
    lane = watched.at(6)
    assert (lane.lag_records, lane.lag_s) == (4, 2.0)  # since this worker first saw the partition


def test_the_brokers_times_are_believed(watched: Watched, now: list[float]) -> None:
    watched.at(4)
    watched.lanes.scored([message(5, 700_000, LOG_APPEND_TIME)])
    watched.lanes.scored([message(7, 900_000, LOG_APPEND_TIME)])
    assert watched.at(6).lag_s == 300.0
    assert watched.at(8).lag_s == 100.0


def test_lag_is_exact_for_a_record_that_is_scored_and_not_committed(watched: Watched, now: list[float]) -> None:
    watched.lanes.scored([message(5, 700_000, LOG_APPEND_TIME), message(7, 900_000, LOG_APPEND_TIME)])
    assert watched.at(5).lag_s == 300.0
    assert watched.at(8).lag_s == 100.0


def test_broker_clock_ahead_does_not_give_negative_lag(watched: Watched, now: list[float]) -> None:
    watched.lanes.scored([message(5, 2_000_000, LOG_APPEND_TIME)])
    assert watched.at(6).lag_s == 0.0


def test_the_lag_shrinks_as_records_are_committed(watched: Watched, now: list[float]) -> None:
    for end in (10, 20, 30):
        watched.end = end
        watched.at(0)
        now[0] += 60
    assert [watched.at(committed).lag_s for committed in (0, 10, 15, 20, 29)] == [180.0, 180.0, 180.0, 120.0, 120.0]


def test_a_topic_that_was_created_again_has_no_old_lag(watched: Watched, now: list[float]) -> None:
    watched.at(10)
    now[0] += 500
    watched.end = 3
    watched.at(0)
    now[0] += 5
    assert watched.at(3).lag_s == 0.0


def test_markers_of_transactions_before_the_end_are_not_records(watched: Watched, now: list[float]) -> None:
    assert watched.at(9).lag_records == 1
    watched.lanes.idle([watched.partition])
    lane = watched.at(9)
    assert (lane.lag_records, lane.lag_s) == (0, 0.0)
    assert watched.at(8, 9).lag_records == 2  # scored, not committed
    watched.lanes.scored([message(8, 0)])
    assert watched.at(9).lag_records == 1


def test_records_that_come_after_an_idle_moment_are_lag(watched: Watched, now: list[float]) -> None:
    watched.lanes.idle([watched.partition])
    watched.at(9)
    now[0] += 4
    watched.end = 12
    lane = watched.at(9)
    assert (lane.lag_records, lane.lag_s) == (3, 4.0)


def test_unknown_end_gives_no_lag(watched: Watched) -> None:
    watched.end = None
    lane = watched.at(4)
    assert (lane.end, lane.lag_records, lane.lag_s) == (None, None, 0.0)


def test_a_restore_shows_how_far_it_is(watched: Watched) -> None:
    watched.partition.phase = Phase.RESTORING
    assert watched.at(8, 4).restored == 0.0  # where it begins is not known yet
    watched.partition.initial_position = SimpleNamespace(start=4)  # type: ignore[assignment]
    lane = watched.at(8, 5)
    assert (lane.phase, lane.restored) == ("restoring", 0.25)


def test_partition_that_returns_starts_without_history(watched: Watched, now: list[float]) -> None:
    watched.lanes.scored([message(3, 990_000, LOG_APPEND_TIME)])
    assert watched.at(4).lag_s == 10.0
    assert watched.lanes.snapshot([]) == ()
    assert watched.at(4).lag_s == 0.0


def test_the_models_time_is_not_the_features(now: list[float]) -> None:
    counts = CommittedCounts()
    clock = Stages(counts)
    clock.begin()
    now[0] += 1.0
    clock.end("decode")
    now[0] += 3.5
    clock.processed(Timings(restore_s=None, process_s=3.5, model_s=3.0))
    clock.add("commit", 0.25)
    seconds = {name: histogram.total for name, histogram in counts.total.stages.items() if histogram.count}
    assert seconds == {"decode": 1.0, "features": 0.5, "predict": 3.0, "commit": 0.25}


def test_state_is_measured_by_operator_over_all_lanes(now: list[float]) -> None:
    scorer = Scorer(trace(rs.ops.group_by(lambda i: i.value, [rs.math.sum(lambda i: i.value)])))
    first, second = scorer.new_lane(), scorer.new_lane()
    scorer.score([Batch(first, [Step(1.0), Step(2.0)]), Batch(second, [Step(3.0)])])
    state_sizes = {size.operator: size for size in StateSizer(scorer).snapshot([first, second])}
    assert state_sizes["group_by"].keys == 3
    sum_sizes = [scorer.checkpoints[0].sizes(lane.states[0])["group_by > sum"].size_bytes for lane in (first, second)]
    assert state_sizes["group_by > sum"].size_bytes == sum(sum_sizes) > 0


def test_measuring_takes_a_small_part_of_the_time(now: list[float]) -> None:
    measured: list[float] = []

    def takes_two_seconds(state: object, sample: int) -> dict[str, Any]:
        measured.append(now[0])
        now[0] += 2.0
        return {"sum": StateSize("sum", 0, 9)}

    scorer: Any = SimpleNamespace(checkpoints=[SimpleNamespace(sizes=takes_two_seconds)])
    lane: Any = SimpleNamespace(states=[[]])
    watching = StateSizer(scorer)
    while now[0] < 2500:
        assert watching.snapshot([lane]) == (StateSize("sum", 0, 9),)
        now[0] += 1.0
    assert [later - earlier for earlier, later in pairwise(measured)] == [pytest.approx(2 * SHARE, abs=3)] * 3
    assert EVERY_S < 2 * SHARE


def test_a_post_pipeline_has_its_own_names() -> None:
    plan = trace(rs.math.sum())
    scorer = Scorer(plan, Model(), plan)
    scored = {size.operator for size in StateSizer(scorer).snapshot([scorer.new_lane()])}
    assert scored == {"sum", "post > sum"}
    assert steps(plan, "post > ")[0].path == "post > sum"


def test_a_pipeline_is_drawn_with_what_is_inside_its_operators() -> None:
    window = rs.data.roll(4, 2, rs.ops.tee_map(rs.ops.last(), rx.pipe(rs.ops.map(abs), rs.math.sum(reduce=True))))
    drawn = steps(trace(rx.pipe(rs.ops.map(abs), window)))
    assert [step.name for step in drawn] == ["map", "roll(window=4, stride=2)"]
    assert drawn[1].is_sliced is True
    tee = drawn[1].branches[0][0]
    assert [[step.name for step in branch] for branch in tee.branches] == [["last"], ["map", "sum(reduce=True)"]]
    assert tee.branches[1][1].path == "roll(window=4, stride=2) > tee_map[1] > sum(reduce=True)"


def test_memory_is_read_from_the_system_or_unknown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = memory.resident_bytes()
    held = bytearray(64_000_000)
    assert memory.resident_bytes() - before > 32_000_000
    del held
    monkeypatch.setattr(memory, "STATM", tmp_path / "statm")
    assert memory.resident_bytes() == 0
