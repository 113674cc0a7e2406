"""Findings of the monitor: partitions without an owner, topics that changed, a missing right."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from makiserve.errors import ConfigurationError, RetryCall, TopicsChanged
from makiserve.kafka import GroupView, Member, TopicState
from makiserve.monitoring.snapshot import GroupPartition
from makiserve.serving import group_monitor as module
from makiserve.serving import retry
from makiserve.serving.group_monitor import GroupMonitor

SESSION_S = 30.0
Make = Callable[[], GroupMonitor]


def view(*members: tuple[str, set[int]], is_stable: bool = True, partitions: int = 4) -> GroupView:
    owners = tuple(Member(name, frozenset(owned)) for name, owned in members)
    return GroupView(is_stable, owners, {0: 5, 1: 7}, dict.fromkeys(range(partitions), 10))


ORPHANED = view(("a", {2, 3}), ("b", set()))
BALANCED = view(("a", {2, 3}), ("b", {0, 1}))
MOVING = view(("a", {2, 3}), ("b", set()), is_stable=False)


class Inspector:
    """Shows what it is told to."""

    def __init__(self) -> None:
        self.seen: Any = ORPHANED
        self.known = {"in": TopicState("id-in", 4), "out": TopicState("id-out", 4)}
        self.calls = 0

    def topics(self, names: Any) -> dict[str, TopicState]:
        return dict(self.known)

    def group(self, partitions: int) -> GroupView:
        self.calls += 1
        if isinstance(self.seen, Exception):
            raise self.seen
        return self.seen


class Now:
    """Instead of a thread: a call is made when it is submitted."""

    def __init__(self, name: str) -> None:
        pass

    def submit(self, call: Callable[[], Any]) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(call())
        except Exception as error:  # noqa: BLE001
            future.set_exception(error)
        return future


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The time in seconds, `clock.now`."""
    time: Any = SimpleNamespace(now=1000.0, monotonic=lambda: time.now)
    monkeypatch.setattr(module, "time", time)
    monkeypatch.setattr(retry, "time", time)
    monkeypatch.setattr(module, "Background", Now)
    return time


@pytest.fixture
def inspector() -> Inspector:
    return Inspector()


@pytest.fixture
def monitor(clock: SimpleNamespace, inspector: Inspector) -> GroupMonitor:
    return GroupMonitor(inspector, "in", ("in", "out"), SESSION_S)  # type: ignore[arg-type]


def look(monitor: GroupMonitor, clock: SimpleNamespace) -> bool:
    """The next look, and what is made of it."""
    clock.now += 11
    monitor.poll()
    return monitor.poll()


def looks(monitor: GroupMonitor, clock: SimpleNamespace, seconds: float) -> None:
    until = clock.now + seconds
    while clock.now < until:
        look(monitor, clock)


def test_a_partition_is_unowned_after_a_session_without_an_owner(monitor: GroupMonitor, clock: SimpleNamespace) -> None:
    look(monitor, clock)
    assert monitor.unowned() == {}
    looks(monitor, clock, SESSION_S + 5)
    assert monitor.unowned().keys() == {0, 1}
    assert monitor.partitions()[1] == GroupPartition("in", 1, 3, monitor.unowned()[1])
    assert monitor.partitions()[2:] == (GroupPartition("in", 2, None), GroupPartition("in", 3, None))
    assert monitor.rejoin_reason() == "in[0] for 44 s, in[1] for 44 s"


def test_a_partition_that_gets_an_owner_is_not(
    monitor: GroupMonitor, clock: SimpleNamespace, inspector: Inspector
) -> None:
    looks(monitor, clock, SESSION_S + 20)
    inspector.seen = BALANCED
    look(monitor, clock)
    assert monitor.unowned() == {}
    assert not monitor.should_rejoin("b", {0, 1})


def test_member_with_the_fewest_partitions_rejoins_first(monitor: GroupMonitor, clock: SimpleNamespace) -> None:
    while not monitor.should_rejoin("b", set()):
        assert not monitor.should_rejoin("a", {2, 3})
        look(monitor, clock)
    looks(monitor, clock, 2 * SESSION_S)
    assert monitor.should_rejoin("a", {2, 3})


def test_member_waits_longer_before_it_rejoins_again(monitor: GroupMonitor, clock: SimpleNamespace) -> None:
    times = []
    for _ in range(400):
        look(monitor, clock)
        if monitor.should_rejoin("b", set()):
            times.append(clock.now)
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert min(pauses) >= SESSION_S
    assert pauses[-1] > 4 * pauses[0]


def test_no_member_rejoins_during_a_rebalance(
    monitor: GroupMonitor, clock: SimpleNamespace, inspector: Inspector
) -> None:
    inspector.seen = MOVING
    looks(monitor, clock, 4 * SESSION_S)
    assert monitor.unowned() == {}
    assert not monitor.should_rejoin("b", set())


@pytest.mark.parametrize(("member", "assigned"), [("b", {0}), ("gone", {0, 1}), ("", {0, 1})])
def test_member_without_an_assignment_rejoins_after_a_session(
    monitor: GroupMonitor, clock: SimpleNamespace, inspector: Inspector, member: str, assigned: set[int]
) -> None:
    inspector.seen = BALANCED
    look(monitor, clock)
    began = clock.now
    while not monitor.should_rejoin(member, assigned):
        look(monitor, clock)
    assert SESSION_S < clock.now - began < 2 * SESSION_S
    look(monitor, clock)
    assert not monitor.should_rejoin("b", {0, 1})


def test_missing_describe_right_is_logged_once_and_topics_are_watched(
    monitor: GroupMonitor, clock: SimpleNamespace, inspector: Inspector, caplog: pytest.LogCaptureFixture
) -> None:
    inspector.seen = ConfigurationError("Describing group group: denied")
    looks(monitor, clock, 100)
    assert inspector.calls == 1
    assert monitor.partitions() == ()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    inspector.known["in"] = TopicState("id-in", 5)
    with pytest.raises(TopicsChanged, match="in had 4 partitions and now has 5"):
        look(monitor, clock)


def test_failed_check_is_retried_with_back_off_and_logged_once(
    monitor: GroupMonitor, clock: SimpleNamespace, inspector: Inspector, caplog: pytest.LogCaptureFixture
) -> None:
    inspector.seen = RetryCall("no answer")
    for _ in range(5):
        assert not look(monitor, clock)
    assert caplog.messages == ["cannot describe the group: no answer; retrying"]
    inspector.seen = BALANCED
    clock.now += 60
    assert look(monitor, clock)


def test_a_topic_is_gone_when_two_looks_in_a_row_do_not_find_it(
    monitor: GroupMonitor, clock: SimpleNamespace, inspector: Inspector
) -> None:
    look(monitor, clock)
    gone = inspector.known.pop("out")
    look(monitor, clock)
    inspector.known["out"] = gone
    look(monitor, clock)
    del inspector.known["out"]
    look(monitor, clock)
    with pytest.raises(TopicsChanged, match="topic out was deleted"):
        look(monitor, clock)


def test_recreated_topic_is_refused_until_the_service_restarts(
    monitor: GroupMonitor, clock: SimpleNamespace, inspector: Inspector
) -> None:
    look(monitor, clock)
    inspector.known["out"] = TopicState("id-of-another", 4)
    with pytest.raises(TopicsChanged, match="topic out was deleted and created again"):
        look(monitor, clock)
    monitor.restart()
    assert look(monitor, clock)


def test_an_output_that_grows_changes_nothing(
    monitor: GroupMonitor, clock: SimpleNamespace, inspector: Inspector
) -> None:
    look(monitor, clock)
    inspector.known["out"] = TopicState("id-out", 9)
    assert look(monitor, clock)
