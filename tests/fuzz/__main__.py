"""Random inputs for every decoder and every output encoder: `python -m tests.fuzz --inputs 1000000 --seed 1`.

Each input is made of a valid one by small damage, or at random. A target fails if it raises anything but the errors
that a record, a file or a state may cause. The first input of each failure is printed with the seed that makes it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from tests.fuzz.targets import run


def main(report: Callable[[str], None] = print) -> None:
    """Run, report, and exit with 1 if a target failed."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--inputs", type=int, default=100_000)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    failed = run(given.inputs, given.seed, report)
    report(
        "\n".join(
            [f"{given.inputs:,} inputs, {failed.total()} failures", *(f"{failed[kind]:,} of {kind}" for kind in failed)]
        )
    )
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
