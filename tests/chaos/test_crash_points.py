"""Death at every call of the commit and of the restore, in a service that goes on from life to life.

Most of them are for `make chaos`; a handful is in every `make test`.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from itertools import product

import pytest

from tests.chaos.patient import Patient

pytestmark = pytest.mark.timeout(1800)  # each wait has its own deadline

STEPS = ("step_1_checkpoint", "step_2_flush", "step_3_offsets", "step_4_commit", "step_5_advance")
CALLS = ("begin", "produce", "flush", "send_offsets", "commit", "poll")
RESTORE = (
    "Assignment.add",
    "Restorer.ask",
    "Restorer._restore",
    "Contents.add",
    "Contents.saved",
    "Assignment.take_restored",
    "Partition.begin",
    "InputConsumer.move",
    "Scorer.rebuild",
    "Partition.advance",
)
"""A life passes through these, in this order, before it has anything to commit."""

LEAN = (
    "die before Committer.step_2_flush call 2",
    "die before Committer.step_3_offsets call 2",
    "die before Committer.step_4_commit call 2",
    "die after Committer.step_4_commit call 3",
    "die after Contents.saved call 1",
    "die after Scorer.rebuild call 1",
)


def points() -> Iterator[str]:
    """All of them: before and after each call, in the first commit of a life and in one later on."""
    for when, step, at in product(("before", "after"), STEPS, (1, 4)):
        yield f"die {when} Committer.{step} call {at}"
    for when, call, at in product(("before", "after"), CALLS, (1, 7)):
        yield f"die {when} TransactionalProducer.{call} call {at}"
    for when, name in product(("before", "after"), RESTORE):
        yield f"die {when} {name} call 1"
    yield "die before TransactionalProducer.produce call 40"  # amid a batch
    yield "die after Publisher.publish call 3"


@pytest.fixture(scope="module")
def ward(admit: Callable[[], Patient]) -> list[Patient]:
    """The patient; another one comes when it is old or beyond help."""
    return [admitted(admit)]


def admitted(admit: Callable[[], Patient]) -> Patient:
    """Return a patient that has lived once."""
    patient = admit()
    life = patient.live()
    assert patient.verdict(), life.text
    life.end(signal.SIGKILL)
    return patient


@pytest.mark.parametrize(
    "point",
    [
        pytest.param(point, marks=() if point in LEAN else pytest.mark.sweep)
        for point in dict.fromkeys([*points(), *LEAN])
    ],
)
def test_service_killed_at_a_crash_point_is_exact(
    point: str, ward: list[Patient], admit: Callable[[], Patient]
) -> None:
    if ward[0].is_old:
        ward[:] = [admitted(admit)]
    (patient,) = ward
    try:
        death = patient.die(point)
        assert death.code == -signal.SIGKILL, death.text
        life = patient.live()
        verdict = patient.verdict()
        life.end(signal.SIGKILL)
        assert verdict, f"{verdict}\n{life.text}"
    except BaseException:
        ward[:] = [admitted(admit)]
        raise
