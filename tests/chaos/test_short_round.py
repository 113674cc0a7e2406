"""Two short rounds on one broker, for every `make test`. `make chaos` runs more, on three brokers."""

from __future__ import annotations

from pathlib import Path

import pytest

from makiserve.testing.broker import KafkaDistribution
from tests.chaos.campaign import Campaign

pytestmark = pytest.mark.timeout(1800)  # each wait has its own deadline

FAULTS = ("kill_worker", "poison_burst", "reset_connections")


def test_two_rounds_of_faults_are_exact(distribution: KafkaDistribution, tmp_path: Path) -> None:
    campaign = Campaign(tmp_path / "campaign", 2, seed=3, nodes=1, workers=2, partitions=3, only=FAULTS)
    assert campaign.run(), (tmp_path / "campaign" / "report.txt").read_text()
