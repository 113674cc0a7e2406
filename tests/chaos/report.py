"""The report of a campaign: each round as a line of JSON and as a line of text, and the totals."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from tests.chaos.oracle import Verdict
from tests.chaos.rounds import Round


class Report:
    """Writes `rounds.jsonl` and `report.txt` after each round, and prints the lines."""

    def __init__(self, directory: Path) -> None:
        self._lines = directory / "rounds.jsonl"
        self._text = directory / "report.txt"
        self.rounds: list[Round] = []

    def write(self, line: str) -> None:
        """Print a line and append it to `report.txt`."""
        print(line, flush=True)  # noqa: T201
        with self._text.open("a") as file:
            file.write(line + "\n")

    def add(self, played: Round) -> None:
        """Add a round."""
        self.rounds.append(played)
        with self._lines.open("a") as file:
            file.write(json.dumps(asdict(played)) + "\n")
        self.write(str(played))
        for line in played.restarted:
            self.write(f"  {line}")

    def end(self, verdict: Verdict, unexpected: Iterable[str]) -> bool:
        """Write the last lines; return whether nothing was wrong."""
        problems = [*verdict.findings, *unexpected]
        gaps = sorted(
            seconds
            for played in self.rounds
            if len(played.faults) == 1
            for what, seconds in played.output_gaps
            if "all" not in what
        )
        if gaps:
            self.write(
                f"kill -9 of one worker, and no other fault: its partitions had outputs again after "
                f"{statistics.median(gaps):.1f} s (median of {len(gaps)}), {gaps[-1]:.1f} s at most"
            )
        for problem in problems:
            self.write(f"WRONG: {problem}")
        is_ok = not problems and all(played.verdict for played in self.rounds)
        self.write(
            f"{len(self.rounds)} rounds, {sum(len(played.faults) for played in self.rounds)} faults, "
            f"{verdict.records:,} records: {verdict.lost} lost, {verdict.doubled} doubled, {verdict.changed} changed: "
            + ("ok" if is_ok else "WRONG")
        )
        return is_ok
