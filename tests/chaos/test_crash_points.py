"""Kills a service before and after every call of the commit and of the restore, and restarts it.

`make chaos` runs all crash points, `make test` a few.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from itertools import product

import pytest

from tests.chaos.crashing_service import CrashingService

pytestmark = pytest.mark.timeout(1800)  # each wait has its own deadline

STEPS = ("step_1_checkpoint", "step_2_flush", "step_3_offsets", "step_4_commit", "step_5_advance")
CALLS = ("begin", "produce", "flush", "send_offsets", "commit", "poll")
RESTORE = (
    "Assignment.add",
    "Restorer.submit",
    "Restorer._restore",
    "Contents.add",
    "Contents.saved",
    "Assignment.take_restored",
    "Partition.begin",
    "InputConsumer.seek",
    "Scorer.rebuild",
    "Partition.advance",
)
"""The calls of a restore, in this order, before there is anything to commit."""

LEAN = (
    "die before Committer.step_2_flush call 2",
    "die before Committer.step_3_offsets call 2",
    "die before Committer.step_4_commit call 2",
    "die after Committer.step_4_commit call 3",
    "die after Contents.saved call 1",
    "die after Scorer.rebuild call 1",
)


def points() -> Iterator[str]:
    """Yield all crash points: before and after each call, in the first commit of a process and in a later one."""
    for when, step, at in product(("before", "after"), STEPS, (1, 4)):
        yield f"die {when} Committer.{step} call {at}"
    for when, call, at in product(("before", "after"), CALLS, (1, 7)):
        yield f"die {when} TransactionalProducer.{call} call {at}"
    for when, name in product(("before", "after"), RESTORE):
        yield f"die {when} {name} call 1"
    yield "die before TransactionalProducer.produce call 40"  # in the middle of a batch
    yield "die after Publisher.publish call 3"


@pytest.fixture(scope="module")
def services(new_service: Callable[[], CrashingService]) -> list[CrashingService]:
    """Return a list with the current service. Tests replace it when it is used up or a test has failed."""
    return [verified(new_service)]


def verified(new_service: Callable[[], CrashingService]) -> CrashingService:
    """Return a service that has run once without a crash."""
    service = new_service()
    process = service.start()
    assert service.verdict(), process.text
    process.end(signal.SIGKILL)
    return service


@pytest.mark.parametrize(
    "point",
    [
        pytest.param(point, marks=() if point in LEAN else pytest.mark.sweep)
        for point in dict.fromkeys([*points(), *LEAN])
    ],
)
def test_service_killed_at_a_crash_point_is_exact(
    point: str, services: list[CrashingService], new_service: Callable[[], CrashingService]
) -> None:
    if services[0].is_used_up:
        services[:] = [verified(new_service)]
    (service,) = services
    try:
        crashed = service.run_until_crash(point)
        assert crashed.code == -signal.SIGKILL, crashed.text
        process = service.start()
        verdict = service.verdict()
        process.end(signal.SIGKILL)
        assert verdict, f"{verdict}\n{process.text}"
    except BaseException:
        services[:] = [verified(new_service)]
        raise
