"""The oracle must see when the service does what it must not do. Each sabotage has its innocent twin, which passes."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import pytest

from tests.chaos.oracle import Verdict
from tests.chaos.patient import Patient

pytestmark = pytest.mark.timeout(1800)  # each wait has its own deadline

DEATH = "die before Committer.step_4_commit call 3"
ABORT = "abort before Committer.step_3_offsets call 3"


def after_a_death(patient: Patient, *sabotage: str) -> Verdict:
    """The verdict when it has died with a transaction open, and lived again."""
    assert patient.die(DEATH, *sabotage).code == -signal.SIGKILL
    life = patient.live(*sabotage)
    verdict = patient.verdict()
    life.end(signal.SIGKILL)
    return verdict


def after_an_abort(patient: Patient, *sabotage: str) -> Verdict:
    """The verdict when a transaction was aborted in the midst of its life."""
    life = patient.live(ABORT, *sabotage)
    deadline = time.monotonic() + 60
    while "on purpose" not in life.text:
        assert time.monotonic() < deadline, life.text
        patient.send(20)
        time.sleep(0.05)
    patient.send(20)
    verdict = patient.verdict()
    life.end(signal.SIGKILL)
    return verdict


def test_oracle_accepts_the_service_without_sabotage(admit: Callable[[], Patient]) -> None:
    patient = admit()
    verdict = after_a_death(patient)
    assert verdict, str(verdict)
    verdict = after_an_abort(patient)
    assert verdict, str(verdict)


def test_oracle_reports_offsets_outside_the_transaction(admit: Callable[[], Patient]) -> None:
    verdict = after_a_death(admit(), "offsets_outside_the_transaction")
    assert verdict.lost
    assert not verdict


def test_oracle_reports_a_missing_rewind(admit: Callable[[], Patient]) -> None:
    verdict = after_an_abort(admit(), "no_rewind")
    assert verdict.lost
    assert not verdict


def test_oracle_reports_a_missing_restore(admit: Callable[[], Patient]) -> None:
    verdict = after_a_death(admit(), "no_restore")
    assert verdict.changed or verdict.lost  # windows that were full are not
    assert "not committed" not in str(verdict)
    assert not verdict
