"""The report of a campaign: every round as a line of JSON and as a line to read, and the sum of it."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from tests.chaos.oracle import Verdict
from tests.chaos.rounds import Round


class Report:
    """Writes `rounds.jsonl` and `report.txt` as the rounds come, and prints the lines."""

    def __init__(self, directory: Path) -> None:
        self._lines = directory / "rounds.jsonl"
        self._text = directory / "report.txt"
        self.rounds: list[Round] = []

    def say(self, line: str) -> None:
        """A line to read."""
        print(line, flush=True)  # noqa: T201
        with self._text.open("a") as file:
            file.write(line + "\n")

    def add(self, played: Round) -> None:
        """A round is over."""
        self.rounds.append(played)
        with self._lines.open("a") as file:
            file.write(json.dumps(asdict(played)) + "\n")
        self.say(str(played))
        for line in played.restarted:
            self.say(f"  {line}")

    def end(self, verdict: Verdict, unexpected: Iterable[str]) -> bool:
        """The last lines; whether all went well."""
        problems = [*verdict.findings, *unexpected]
        silences = sorted(
            seconds
            for played in self.rounds
            if len(played.faults) == 1
            for what, seconds in played.silences
            if "all" not in what
        )
        if silences:
            self.say(
                f"kill -9 of one worker, and no other fault: its partitions gave outputs again after "
                f"{statistics.median(silences):.1f} s (median of {len(silences)}), {silences[-1]:.1f} s at most"
            )
        for problem in problems:
            self.say(f"WRONG: {problem}")
        is_well = not problems and all(played.verdict for played in self.rounds)
        self.say(
            f"{len(self.rounds)} rounds, {sum(len(played.faults) for played in self.rounds)} faults, "
            f"{verdict.records:,} records: {verdict.lost} lost, {verdict.doubled} doubled, {verdict.changed} changed: "
            + ("ok" if is_well else "WRONG")
        )
        return is_well
