"""Compares outputs and dead letters with the input and its replay."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from tests.chaos.oracle.log import Entry, Log, behind, open_transactions, wait_until_committed
from tests.chaos.oracle.replay import Call, Replayed, replay, switched


class Lane(NamedTuple):
    """The input of a partition, with its outputs and dead letters."""

    number: int
    input: list[Entry]
    outputs: list[Entry]
    dead_letters: list[Entry]


@dataclass
class Verdict:
    """The errors that the oracle has found.

    Attributes:
        records: number of checked records.
        lost: number of missing outputs and dead letters.
        doubled: number of unexpected ones.
        changed: number of outputs whose value differs from the replay's.
        findings: descriptions of all errors.
    """

    records: int = 0
    lost: int = 0
    doubled: int = 0
    changed: int = 0
    findings: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Return True if the oracle has found no error."""
        return not self.findings

    def __str__(self) -> str:
        counts = f"{self.records:,} records, {self.lost} lost, {self.doubled} doubled, {self.changed} changed"
        return "\n  ".join([counts, *self.findings])

    def compare(self, what: str, expected: list[int], actual: list[int]) -> None:
        """Record the missing and the unexpected causes."""
        missing, extra = Counter(expected) - Counter(actual), Counter(actual) - Counter(expected)
        self.lost += missing.total()
        self.doubled += extra.total()
        for word, these in (("lost", missing), ("too many", extra)):
            if these:
                self.findings.append(f"{what}: {these.total()} {word}, of offsets {_spans(sorted(these))}")


def judge(lane: Lane, verdict: Verdict, replayed: Replayed | None = None) -> None:
    """Check a lane. Without its replay, only check order, causes and dead letters."""
    verdict.records += len(lane.input)
    known = {entry.offset: entry for entry in lane.input}
    poison = [entry.offset for entry in lane.input if entry.is_poison]
    outputs, dead_letters = (_sources(lane, entries, verdict) for entries in (lane.outputs, lane.dead_letters))
    where = f"partition {lane.number}"
    verdict.compare(f"{where}, dead letters", poison, dead_letters)
    for what, sources in (("outputs", outputs), ("dead letters", dead_letters)):
        if unknown := [source for source in sources if source not in known]:
            verdict.findings.append(f"{where}: {what} of records that do not exist: {_spans(unknown)}")
        if turned := [after for before, after in pairwise(sources) if after < before]:
            verdict.findings.append(f"{where}: {what} go back to offsets {_spans(turned)}")
    if both := sorted(set(outputs) & {*poison, *dead_letters}):
        verdict.findings.append(f"{where}: outputs of records that cannot be scored: {_spans(both)}")
    if replayed is not None:
        if len(dead_letters) != replayed.dead:
            verdict.findings.append(f"{where}: {len(dead_letters)} dead letters, the replay has {replayed.dead}")
        _compare_values(lane, outputs, replayed, verdict)


def verify(
    servers: str,
    models: Mapping[str, str],
    group: str,
    topics: tuple[str, str, str],
    partitions: int,
    directory: Path,
    call: Call,
    past: Mapping[int, list[bytes]] | None = None,
) -> Verdict:
    """Read these topics from the start, replay the input, and check everything.

    Args:
        models: the path of each model version.
        topics: input, output, dead letters.
        directory: for the files of the replay.
        call: runs the replay command.
        past: values of records that precede those of each partition.
    """
    verdict = Verdict()
    logs = [Log(servers, topic, partitions) for topic in topics]
    read = [log.read() for log in logs]
    offsets = wait_until_committed(servers, group, read[0], topics[0], timeout_s=90)
    if left := behind(offsets, read[0]):
        verdict.findings.append(f"not committed: {left} records, by partition")
    for topic in topics:
        if waiting := open_transactions(servers, topic, partitions):
            verdict.findings.append(f"{topic}: a transaction is open on partitions {waiting}")
    inputs, outputs, dead_letters = (log.read() for log in logs)
    for log in logs:
        log.close()
    replays = {version: replay(model, inputs, directory / version, call, past) for version, model in models.items()}
    for number in inputs:
        replayed = switched({version: lanes[number] for version, lanes in replays.items()}, outputs[number])
        judge(Lane(number, inputs[number], outputs[number], dead_letters[number]), verdict, replayed)
    return verdict


def _sources(lane: Lane, entries: list[Entry], verdict: Verdict) -> list[int]:
    """Return the offsets of the records that caused these."""
    sources = [entry.source for entry in entries if entry.source and entry.source[0] == lane.number]
    if len(sources) < len(entries):
        verdict.findings.append(f"partition {lane.number}: {len(entries) - len(sources)} records of other partitions")
    return [offset for _, offset in sources]


def _compare_values(lane: Lane, outputs: list[int], replayed: Replayed, verdict: Verdict) -> None:
    where = f"partition {lane.number}"
    expected = [offset for offset, _ in replayed.outputs]
    verdict.compare(f"{where}, outputs", expected, outputs)
    if expected != outputs:
        return
    values = [json.loads(entry.value or b"")["prediction"] for entry in lane.outputs]
    differing = [
        (offset, wanted, value)
        for (offset, wanted), value in zip(replayed.outputs, values, strict=True)
        if repr(wanted) != repr(value)  # to the bit: -0.0 is not 0.0
    ]
    if differing:
        verdict.changed += len(differing)
        offset, wanted, value = differing[0]
        verdict.findings.append(
            f"{where}: {len(differing)} outputs differ from the replay, the first of offset {offset}: {value!r} where "
            f"the replay gives {wanted!r}"
        )


def _spans(offsets: list[int], shown: int = 6) -> str:
    """`3-7, 12, …`: offsets, those in a row as one."""
    spans: list[list[int]] = []
    for offset in offsets:
        if spans and offset <= spans[-1][1] + 1:
            spans[-1][1] = offset
        else:
            spans.append([offset, offset])
    words = [str(first) if first == last else f"{first}-{last}" for first, last in spans[:shown]]
    return ", ".join([*words, "…"] if len(spans) > shown else words)
