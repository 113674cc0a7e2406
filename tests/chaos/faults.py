"""The faults: each injects itself, says what it did and for how long it must last, and heals.

A new one is a function here, and nothing else.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

from tests.chaos.arena import Arena


class Injury(NamedTuple):
    """What a fault did.

    Attributes:
        what: in words.
        lasts: for how many seconds it must not heal.
    """

    what: str
    lasts: float = 0.0


Fault = Callable[[Arena, random.Random], AbstractContextManager[Injury]]

NEW_KEYS = 4_000
"""Their state takes about a second to write, and a slice of a checkpoint ends after 0.1 s."""

FAULTS: dict[str, Fault] = {}
"""All faults, by name."""


def fault(function: Callable[[Arena, random.Random], Generator[Injury]]) -> Fault:
    """Register a fault: a function that injects, yields and heals."""
    made = FAULTS[function.__name__] = contextmanager(function)
    return made


@fault
def kill_worker(arena: Arena, chance: random.Random) -> Generator[Injury]:
    worker = arena.worker(chance)
    arena.silence.begin(f"kill -9 of {worker}")
    arena.fleet.end(worker, signal.SIGKILL)
    yield Injury(f"kill -9 {worker}", chance.choice((0.0, 0.0, 6.0)))
    if not worker.is_running:
        worker.start()


@fault
def restart_worker(arena: Arena, chance: random.Random) -> Generator[Injury]:
    worker = arena.worker(chance)
    code = arena.fleet.end(worker, signal.SIGTERM) if worker.is_running else None
    yield Injury(f"SIGTERM {worker}, it ended with {code}", chance.uniform(0, 2))
    if not worker.is_running:
        worker.start()


@fault
def zombie(arena: Arena, chance: random.Random) -> Generator[Injury]:
    """It sleeps for longer than its session, and wakes when its partitions are others'."""
    worker = arena.worker(chance)
    worker.life.send_signal(signal.SIGSTOP)
    try:
        yield Injury(f"SIGSTOP {worker}", chance.uniform(5, 9))
    finally:
        worker.life.send_signal(signal.SIGCONT)


@fault
def short_sleep(arena: Arena, chance: random.Random) -> Generator[Injury]:
    """It sleeps for less than its session."""
    worker = arena.worker(chance)
    worker.life.send_signal(signal.SIGSTOP)
    try:
        yield Injury(f"SIGSTOP {worker}, for a moment", chance.uniform(0.5, 2.5))
    finally:
        worker.life.send_signal(signal.SIGCONT)


@fault
def kill_broker(arena: Arena, chance: random.Random) -> Generator[Injury]:
    node = arena.node(chance)
    node.kill()
    yield Injury(f"kill -9 broker {node.number}", chance.uniform(0, 5))
    if node.pid is None:
        node.start()


@fault
def stop_broker(arena: Arena, chance: random.Random) -> Generator[Injury]:
    node = arena.node(chance)
    node.terminate()
    node.join(timeout=15)
    yield Injury(f"SIGTERM broker {node.number}", chance.uniform(0, 5))
    if node.pid is None:
        node.start()


@fault
def freeze_broker(arena: Arena, chance: random.Random) -> Generator[Injury]:
    """It is there, and does not answer."""
    node = arena.node(chance)
    node.signal(signal.SIGSTOP)
    try:
        yield Injury(f"SIGSTOP broker {node.number}", chance.uniform(2, 6))
    finally:
        node.signal(signal.SIGCONT)


@fault
def cut_network(arena: Arena, chance: random.Random) -> Generator[Injury]:
    """The workers that come by the proxies reach no broker; the others do."""
    for proxy in arena.proxies:
        proxy.cut()
    try:
        yield Injury("all proxies cut", chance.uniform(1, 9))
    finally:
        for proxy in arena.proxies:
            proxy.heal()


@fault
def cut_broker(arena: Arena, chance: random.Random) -> Generator[Injury]:
    """The workers that come by the proxies do not reach one of the brokers."""
    index = chance.randrange(len(arena.proxies))
    arena.proxies[index].cut()
    try:
        yield Injury(f"proxy of broker {index + 1} cut", chance.uniform(1, 9))
    finally:
        arena.proxies[index].heal()


@fault
def reset_connections(arena: Arena, chance: random.Random) -> Generator[Injury]:
    for proxy in arena.proxies:
        proxy.reset()
    yield Injury("connections reset")


@fault
def slow_predict(arena: Arena, chance: random.Random) -> Generator[Injury]:
    """Each call of the model takes long; now and then longer than a poll may be away."""
    seconds = chance.choice((0.3, 1.0, 3.0, 10.0))
    arena.fleet.slow.write_text(str(seconds))
    try:
        yield Injury(f"predict takes {seconds} s", chance.uniform(2, 5))
    finally:
        arena.fleet.slow.unlink()


@fault
def scale_out(arena: Arena, chance: random.Random) -> Generator[Injury]:
    """One more worker; it leaves again at the end of the round, or dies."""
    worker = arena.fleet.add(chance.choice(("", f"extra-{chance.randrange(3)}")))
    yield Injury(f"started {worker}", chance.uniform(6, 10))
    arena.fleet.remove(worker, chance.choice((signal.SIGTERM, signal.SIGKILL)))


@fault
def scale_in(arena: Arena, chance: random.Random) -> Generator[Injury]:
    worker = arena.worker(chance)
    code = arena.fleet.end(worker, signal.SIGTERM) if worker.is_running else None
    yield Injury(f"scaled in {worker}, it ended with {code}", chance.uniform(4, 8))
    if not worker.is_running:
        worker.start()


@fault
def poison_burst(arena: Arena, chance: random.Random) -> Generator[Injury]:
    part = chance.choice((0.3, 0.6, 1.0))
    before = [sender.poison for sender in arena.traffic.senders]
    for sender in arena.traffic.senders:
        sender.poison = part
    yield Injury(f"{part:.0%} of the records are poison", chance.uniform(0.5, 3))
    for sender, usual in zip(arena.traffic.senders, before, strict=True):
        sender.poison = usual


@fault
def all_workers(arena: Arena, chance: random.Random) -> Generator[Injury]:
    """The whole service dies at once."""
    workers = arena.all_workers()
    arena.silence.begin("kill -9 of all workers")
    for worker in workers:
        arena.fleet.end(worker, signal.SIGKILL)
    yield Injury("kill -9 of all workers")
    for worker in workers:
        if not worker.is_running:
            worker.start()


@fault
def move_alias(arena: Arena, chance: random.Random) -> Generator[Injury]:
    """The alias names another version, which each worker takes by itself."""
    yield Injury(f"the alias moves to version {arena.registry.move()}", chance.uniform(0.5, 2))


@fault
def kill_in_revoke(arena: Arena, chance: random.Random) -> Generator[Injury]:
    """A named worker that has all partitions dies while it gives some away, and is back within its session.

    The group gives it its old assignment, without a rebalance: what it was to give away has no owner.
    """
    workers = arena.all_workers()
    victim, other, *rest = sorted(workers, key=lambda worker: not worker.name)
    for worker in (other, *rest):
        arena.fleet.end(worker, signal.SIGTERM)
    arena.fleet.end(victim, signal.SIGTERM)
    victim.start("die after Worker._on_revoked call 1")
    arena.wait_until_owned()
    other.start()
    victim.life.wait(arena.patience_s)
    victim.start()
    yield Injury(f"kill -9 of {victim} in its revoke, for {other}")
    try:
        arena.wait_until_owned()
    finally:
        for worker in rest:
            worker.start()


@fault
def many_keys(arena: Arena, chance: random.Random) -> Generator[Injury]:
    """More windows by key than a slice of a checkpoint can hold, and a worker dies between two slices."""
    worker, written = arena.worker(chance), arena.state_end()
    arena.traffic.burst(NEW_KEYS)
    slices = 2 * arena.partitions  # each is a record and the marker of its transaction
    arena.wait_until(lambda: arena.state_end() > written + slices, "the checkpoint of many keys has not begun")
    arena.silence.begin(f"kill -9 of {worker}")
    arena.fleet.end(worker, signal.SIGKILL)
    yield Injury(f"{NEW_KEYS} new keys in each partition, kill -9 {worker} while their state is written")
    if not worker.is_running:
        worker.start()


@fault
def stall_in_join(arena: Arena, chance: random.Random) -> Generator[Injury]:
    """A batch takes longer than `max.poll.interval.ms` and gives no thread a turn; another member joins meanwhile."""
    victim = arena.worker(chance)
    arena.fleet.slow.write_text(f"13 {victim.life.pid}")
    extra = arena.fleet.add(chance.choice(("", f"extra-{chance.randrange(3)}")))
    yield Injury(f"{victim} stands still for 13 s while {extra} joins", 15)
    arena.fleet.slow.unlink()
    try:
        arena.wait_until_owned()
    finally:
        arena.fleet.remove(extra)
