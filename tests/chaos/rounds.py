"""A round: records are sent, faults happen and end, the service commits all input, and the oracle checks it."""

from __future__ import annotations

import random
import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass, field

from tests.chaos.arena import STARTS, Arena, NoTargetLeft
from tests.chaos.faults import FAULTS
from tests.chaos.fleet import Worker
from tests.chaos.oracle import Lane, Log, Verdict, behind, judge, open_transactions, wait_until_committed

SLOW_S = 3
"""Duration of a batch while a worker is killed."""

START_S = 900
"""The first start of all workers may take this long on a busy machine."""

READY_S = 300
"""Time limit for the brokers that were killed or stopped to answer. It is long, because the machine may be busy."""

MAX_FAULTS = 3


@dataclass
class Round:
    """The faults of a round and their effects.

    Attributes:
        faults: descriptions of the faults.
        seconds: the duration of the round.
        settled: the part of it from the end of the faults until all input was committed.
        output_gaps: faults, with the seconds until the last partition had outputs again.
        ends: the end of each input partition after the round.
        restarted: descriptions of the workers that had exited without a fault that ends them.
    """

    number: int
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0
    settled: float = 0.0
    output_gaps: list[tuple[str, float]] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    restarted: list[str] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)

    def __str__(self) -> str:
        verdict = "ok" if self.verdict else f"WRONG: {self.verdict}"
        done = "; ".join(self.faults)
        gaps = "".join(f", no output for {seconds:.1f} s" for _, seconds in self.output_gaps)
        return f"round {self.number}: {done} ({self.seconds:.1f} s, settled in {self.settled:.1f} s{gaps}): {verdict}"


def _is_warm(worker: Worker) -> bool:
    return ": warmed up with" in worker.text


class RoundRunner:
    """Runs rounds.

    Args:
        topics: input, output, dead letters.
        group: the service's consumer group.
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
        """Start the service, kill a worker in its first batch, and wait until every partition has outputs.

        Partitions start with the state of a file (`--warm-up`), which the records of the topic cannot restore. The
        batch is slow, so that the worker commits while it is scored.
        """
        began, arena = time.monotonic(), self._arena
        arena.started_in(START_S / STARTS)
        arena.wait_until(lambda: any(map(_is_warm, arena.fleet.workers)), "no partition is warmed up: see the logs")
        victim = next(filter(_is_warm, arena.fleet.workers))
        arena.started_in(time.monotonic() - began)
        arena.fleet.slow.write_text(str(SLOW_S))
        arena.traffic.resume()  # not earlier: a start of minutes would leave too many records to replay
        arena.wait_until(lambda: "→ running" in victim.text, "no partition is restored: see the logs")
        time.sleep(SLOW_S / 2)
        arena.fleet.end(victim, signal.SIGKILL)
        arena.fleet.slow.unlink()
        victim.start()
        arena.wait_until(lambda: all(self._logs[1].read().values()), "the service has no outputs: see its logs")
        arena.traffic.pause()

    def run(self, number: int, seed: int) -> Round:
        """Run a round. Its number and the seed determine the faults."""
        rng = random.Random(f"{seed}/{number}")
        names = rng.sample(self._only, min(len(self._only), rng.randint(1, MAX_FAULTS)))
        result, began = Round(number), time.monotonic()
        self._arena.traffic.resume()
        time.sleep(rng.uniform(0.5, 1.5))
        self._inject(names, rng, result)
        self._arena.clear_affected()
        self._arena.server.wait_until_ready(READY_S)
        result.restarted = self._arena.fleet.restart_ended()
        time.sleep(1)  # the workers get records without faults
        self._arena.traffic.pause()
        self._settle(result)
        result.output_gaps = self._arena.output_gaps.measured()
        result.seconds = time.monotonic() - began
        return result

    def close(self) -> None:
        for log in self._logs:
            log.close()

    def _inject(self, names: list[str], rng: random.Random, result: Round) -> None:
        with ExitStack() as faults:
            until = 0.0
            for name in names:
                # A separate generator: a fault that is left out does not change the others.
                fault_rng = random.Random(rng.random())
                try:
                    injected = faults.enter_context(FAULTS[name](self._arena, fault_rng))
                except NoTargetLeft:
                    continue
                result.faults.append(injected.what)
                until = max(until, time.monotonic() + injected.minimum_s)
                time.sleep(fault_rng.uniform(0, 1.5))
            time.sleep(max(0.0, until - time.monotonic()))

    def _settle(self, result: Round) -> None:
        """Wait until all input is committed, then check all but the values, which are checked after all rounds."""
        began = time.monotonic()
        inputs = self._logs[0].read()
        deadline = began + self._arena.timeout_s
        while True:
            offsets = wait_until_committed(self._servers, self._group, inputs, self._topics[0], timeout_s=5)
            left = behind(offsets, inputs)
            if not left or time.monotonic() > deadline:
                break
            result.restarted += self._arena.fleet.restart_ended()
        result.settled = time.monotonic() - began
        if left:
            result.verdict.findings.append(f"not committed after {result.settled:.0f} s: {left} records, by partition")
        for topic in self._topics:  # outputs are only visible after the transaction's markers
            if waiting := open_transactions(self._servers, topic, self._partitions):
                result.verdict.findings.append(f"{topic}: a transaction is open on partitions {waiting}")
        _, outputs, dead_letters = (log.read() for log in self._logs)
        for number in range(self._partitions):
            judge(Lane(number, inputs[number], outputs[number], dead_letters[number]), result.verdict)
        result.ends = [entries[-1].offset + 1 if entries else 0 for entries in inputs.values()]
