"""A replaced leader returned less of the state topic than was committed, and the service refused to continue."""

from __future__ import annotations

import pytest

from makiserve.serving.signals import Stop
from tests.unit.serving.fakes import Kafka
from tests.unit.serving.test_restorer import WaitingAssignment, committed, saved, total


def test_a_checkpoint_that_is_not_seen_at_once_is_looked_for_again(
    kafka: Kafka, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(kafka, 3)
    committed(kafka, 3, checkpoint=3)
    hidden = [kafka.state.pop()]  # the checkpoint's last record
    monkeypatch.setattr("time.sleep", lambda seconds: kafka.state.extend([hidden.pop()] if hidden else []))
    assignment = WaitingAssignment(kafka)
    assert total(assignment, assignment.begin()) == 6
    assert "in[0] is not restored yet: state topic group.state: it has no checkpoint" in caplog.text


@pytest.fixture
def kafka() -> Kafka:
    return Kafka(Stop(), [1, 2, 3, 4, 5], [10, 20, 30, 40, 50])
