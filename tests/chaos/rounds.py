"""A round: traffic flows, faults happen and heal, everything settles, and the oracle looks."""

from __future__ import annotations

import random
import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass, field

from tests.chaos.arena import STARTS, Arena, NobodyLeft
from tests.chaos.faults import FAULTS
from tests.chaos.fleet import Worker
from tests.chaos.oracle import Lane, Log, Verdict, behind, judge, open_transactions, wait_until_committed

SLOW_S = 3
"""How long each batch takes while a worker is killed."""

START_S = 900
"""A busy machine may take this long for the first start of all workers."""

READY_S = 300
"""Seconds until the brokers that were killed or stopped must answer: a busy machine is not a fault of the service."""

MOST_FAULTS = 3


@dataclass
class Round:
    """What was done in a round and what came of it.

    Attributes:
        faults: what was done, in words.
        seconds: how long it took in all.
        settled: how long of that until all input was committed, after the faults had healed.
        silences: fault and seconds until its last partition gave outputs again.
        ends: for each partition the end of the input after the round: it tells whose round an offset is.
        restarted: workers that had ended by themselves.
    """

    number: int
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0
    settled: float = 0.0
    silences: list[tuple[str, float]] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    restarted: list[str] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)

    def __str__(self) -> str:
        verdict = "ok" if self.verdict else f"WRONG: {self.verdict}"
        done = "; ".join(self.faults)
        silent = "".join(f", silent for {seconds:.1f} s" for _, seconds in self.silences)
        return f"round {self.number}: {done} ({self.seconds:.1f} s, settled in {self.settled:.1f} s{silent}): {verdict}"


def _is_warm(worker: Worker) -> bool:
    return ": warmed up with" in worker.text


class Referee:
    """Plays rounds.

    Args:
        topics: input, output, dead letters.
        group: the service's.
        only: the names of the faults to choose from.
    """

    def __init__(
        self, arena: Arena, servers: str, group: str, topics: tuple[str, str, str], partitions: int, only: list[str]
    ) -> None:
        self._arena = arena
        self._servers = servers
        self._group = group
        self._topics = topics
        self._partitions = partitions
        self._only = only or sorted(FAULTS)
        self._logs = [Log(servers, topic, partitions) for topic in topics]

    def warm_up(self) -> None:
        """Start the service, let a worker die in its first batch, and wait until every partition has given outputs.

        Partitions begin with the state of a file (`--warm-up`), which no record of the topic can restore. The batch is
        slow, so that the worker commits while it is scored.
        """
        began, arena = time.monotonic(), self._arena
        arena.started_in(START_S / STARTS)
        arena.wait_until(lambda: any(map(_is_warm, arena.fleet.workers)), "no partition is warmed up: see the logs")
        victim = next(filter(_is_warm, arena.fleet.workers))
        arena.started_in(time.monotonic() - began)
        arena.fleet.slow.write_text(str(SLOW_S))
        arena.traffic.flow()  # not before: a start of minutes would leave more records than a replay can judge
        arena.wait_until(lambda: "→ running" in victim.text, "no partition is restored: see the logs")
        time.sleep(SLOW_S / 2)
        arena.fleet.end(victim, signal.SIGKILL)
        arena.fleet.slow.unlink()
        victim.start()
        arena.wait_until(lambda: all(self._logs[1].read().values()), "the service does not begin: see its logs")
        arena.traffic.rest()

    def play(self, number: int, seed: int) -> Round:
        """One round; which faults there are depends on its number and the seed alone."""
        chance = random.Random(f"{seed}/{number}")
        names = chance.sample(self._only, min(len(self._only), chance.randint(1, MOST_FAULTS)))
        result, began = Round(number), time.monotonic()
        self._arena.traffic.flow()
        time.sleep(chance.uniform(0.5, 1.5))
        self._hurt(names, chance, result)
        self._arena.heal()
        self._arena.server.wait_until_ready(READY_S)
        result.restarted = self._arena.fleet.restart_ended()
        time.sleep(1)  # they work on under the traffic, before it rests
        self._arena.traffic.rest()
        self._settle(result)
        result.silences = self._arena.silence.measured()
        result.seconds = time.monotonic() - began
        return result

    def close(self) -> None:
        for log in self._logs:
            log.close()

    def _hurt(self, names: list[str], chance: random.Random, result: Round) -> None:
        with ExitStack() as healing:
            until = 0.0
            for name in names:
                # A separate generator: a fault that is left out does not change the others.
                fault_chance = random.Random(chance.random())
                try:
                    injury = healing.enter_context(FAULTS[name](self._arena, fault_chance))
                except NobodyLeft:
                    continue
                result.faults.append(injury.what)
                until = max(until, time.monotonic() + injury.lasts)
                time.sleep(fault_chance.uniform(0, 1.5))
            time.sleep(max(0.0, until - time.monotonic()))

    def _settle(self, result: Round) -> None:
        """Wait until all is committed, then judge what the round left; values are judged at the end of all rounds."""
        began = time.monotonic()
        inputs = self._logs[0].read()
        deadline = began + self._arena.patience_s
        while True:
            offsets = wait_until_committed(self._servers, self._group, inputs, self._topics[0], patience=5)
            left = behind(offsets, inputs)
            if not left or time.monotonic() > deadline:
                break
            result.restarted += self._arena.fleet.restart_ended()
        result.settled = time.monotonic() - began
        if left:
            result.verdict.findings.append(f"not committed after {result.settled:.0f} s: {left} records, by partition")
        for topic in self._topics:  # what is committed is not visible before the transaction's markers are there
            if waiting := open_transactions(self._servers, topic, self._partitions):
                result.verdict.findings.append(f"{topic}: a transaction is open on partitions {waiting}")
        _, outputs, letters = (log.read() for log in self._logs)
        for number in range(self._partitions):
            judge(Lane(number, inputs[number], outputs[number], letters[number]), result.verdict)
        result.ends = [entries[-1].offset + 1 if entries else 0 for entries in inputs.values()]
