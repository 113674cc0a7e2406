"""`python -m tests.chaos --rounds 10 --seed 1`: faults against three brokers and several workers, and a verdict."""

from __future__ import annotations

import argparse
import random
import sys
from datetime import datetime, timezone
from pathlib import Path

from tests.chaos.campaign import Campaign
from tests.chaos.faults import FAULTS

REPORTS = Path(__file__).resolve().parents[2] / ".cache" / "chaos"


def main() -> int:
    """Run a campaign; return 0 if nothing was lost, duplicated or changed."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10_000))
    parser.add_argument("--nodes", type=int, default=3, help="brokers: 3, or 1")
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--rate", type=int, default=60, help="records per second and partition")
    parser.add_argument("--fault", action="append", choices=sorted(FAULTS), default=[], help="only these; repeatable")
    parser.add_argument("--keys", type=int, default=0, help="a pipeline of this many keys, saved over many commits")
    parser.add_argument("--report", type=Path, help="an empty folder for logs and report")
    options = parser.parse_args()
    now = datetime.now(tz=timezone.utc).strftime("%Y%m%d-%H%M%S")
    directory = (options.report or REPORTS / f"{now}-seed-{options.seed}").resolve()
    print(f"seed {options.seed}, report in {directory}", flush=True)  # noqa: T201
    campaign = Campaign(
        directory,
        options.rounds,
        options.seed,
        options.nodes,
        options.workers,
        rate=options.rate,
        only=tuple(options.fault),
        keys=options.keys,
    )
    return 0 if campaign.run() else 1


if __name__ == "__main__":
    sys.exit(main())
