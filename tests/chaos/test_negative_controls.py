"""The oracle must report a service that is broken on purpose, and accept the same service without the sabotage."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import pytest

from tests.chaos.crashing_service import CrashingService
from tests.chaos.oracle import Verdict

pytestmark = pytest.mark.timeout(1800)  # each wait has its own deadline

CRASH = "die before Committer.step_4_commit call 3"
ABORT = "abort before Committer.step_3_offsets call 3"


def after_a_crash(service: CrashingService, *sabotage: str) -> Verdict:
    """Return the verdict after a crash with an open transaction and a restart."""
    assert service.run_until_crash(CRASH, *sabotage).code == -signal.SIGKILL
    process = service.start(*sabotage)
    verdict = service.verdict()
    process.end(signal.SIGKILL)
    return verdict


def after_an_abort(service: CrashingService, *sabotage: str) -> Verdict:
    """Return the verdict after a transaction was aborted."""
    process = service.start(ABORT, *sabotage)
    deadline = time.monotonic() + 60
    while "on purpose" not in process.text:
        assert time.monotonic() < deadline, process.text
        service.send(20)
        time.sleep(0.05)
    service.send(20)
    verdict = service.verdict()
    process.end(signal.SIGKILL)
    return verdict


def test_oracle_accepts_the_service_without_sabotage(new_service: Callable[[], CrashingService]) -> None:
    service = new_service()
    verdict = after_a_crash(service)
    assert verdict, str(verdict)
    verdict = after_an_abort(service)
    assert verdict, str(verdict)


def test_oracle_reports_offsets_outside_the_transaction(new_service: Callable[[], CrashingService]) -> None:
    verdict = after_a_crash(new_service(), "offsets_outside_the_transaction")
    assert verdict.lost
    assert not verdict


def test_oracle_reports_a_missing_rewind(new_service: Callable[[], CrashingService]) -> None:
    verdict = after_an_abort(new_service(), "no_rewind")
    assert verdict.lost
    assert not verdict


def test_oracle_reports_a_missing_restore(new_service: Callable[[], CrashingService]) -> None:
    verdict = after_a_crash(new_service(), "no_restore")
    assert verdict.changed or verdict.lost  # windows that were full are not
    assert "not committed" not in str(verdict)
    assert not verdict
