"""The faults. Each function injects a fault, yields a description of it with its minimum duration, and ends it.

A new fault is a new function here.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

from tests.chaos.arena import Arena


class InjectedFault(NamedTuple):
    """A fault that was injected.

    Attributes:
        what: a description.
        minimum_s: how long it lasts at least.
    """

    what: str
    minimum_s: float = 0.0


Fault = Callable[[Arena, random.Random], AbstractContextManager[InjectedFault]]

NEW_KEYS = 4_000
"""Writing their state takes about a second, and a slice of a checkpoint ends after 0.1 s."""

FAULTS: dict[str, Fault] = {}
"""All faults, by name."""


def fault(function: Callable[[Arena, random.Random], Generator[InjectedFault]]) -> Fault:
    """Register a function that injects a fault, yields, and ends the fault."""
    made = FAULTS[function.__name__] = contextmanager(function)
    return made


@fault
def kill_worker(arena: Arena, rng: random.Random) -> Generator[InjectedFault]:
    worker = arena.worker(rng)
    arena.output_gaps.mark_fault(f"kill -9 of {worker}")
    arena.fleet.end(worker, signal.SIGKILL)
    yield InjectedFault(f"kill -9 {worker}", rng.choice((0.0, 0.0, 6.0)))
    if not worker.is_running:
        worker.start()


@fault
def restart_worker(arena: Arena, rng: random.Random) -> Generator[InjectedFault]:
    worker = arena.worker(rng)
    code = arena.fleet.end(worker, signal.SIGTERM) if worker.is_running else None
    yield InjectedFault(f"SIGTERM {worker}, it exited with {code}", rng.uniform(0, 2))
    if not worker.is_running:
        worker.start()


@fault
def zombie(arena: Arena, rng: random.Random) -> Generator[InjectedFault]:
    """Pause a worker for longer than its session. When it continues, others own its partitions."""
    worker = arena.worker(rng)
    worker.process.send_signal(signal.SIGSTOP)
    try:
        yield InjectedFault(f"SIGSTOP {worker}", rng.uniform(5, 9))
    finally:
        worker.process.send_signal(signal.SIGCONT)


@fault
def short_sleep(arena: Arena, rng: random.Random) -> Generator[InjectedFault]:
    """Pause a worker for less than its session."""
    worker = arena.worker(rng)
    worker.process.send_signal(signal.SIGSTOP)
    try:
        yield InjectedFault(f"SIGSTOP {worker}, for a moment", rng.uniform(0.5, 2.5))
    finally:
        worker.process.send_signal(signal.SIGCONT)


@fault
def kill_broker(arena: Arena, rng: random.Random) -> Generator[InjectedFault]:
    node = arena.node(rng)
    node.kill()
    yield InjectedFault(f"kill -9 broker {node.number}", rng.uniform(0, 5))
    if node.pid is None:
        node.start()


@fault
def stop_broker(arena: Arena, rng: random.Random) -> Generator[InjectedFault]:
    node = arena.node(rng)
    node.terminate()
    node.join(timeout=15)
    yield InjectedFault(f"SIGTERM broker {node.number}", rng.uniform(0, 5))
    if node.pid is None:
        node.start()


@fault
def freeze_broker(arena: Arena, rng: random.Random) -> Generator[InjectedFault]:
    """Freeze a broker: it keeps its connections, and does not answer."""
    node = arena.node(rng)
    node.signal(signal.SIGSTOP)
    try:
        yield InjectedFault(f"SIGSTOP broker {node.number}", rng.uniform(2, 6))
    finally:
        node.signal(signal.SIGCONT)


@fault
def cut_network(arena: Arena, rng: random.Random) -> Generator[InjectedFault]:
    """Cut all brokers off from the workers that use the proxies."""
    for proxy in arena.proxies:
        proxy.cut()
    try:
        yield InjectedFault("all proxies cut", rng.uniform(1, 9))
    finally:
        for proxy in arena.proxies:
            proxy.restore()


@fault
def cut_broker(arena: Arena, rng: random.Random) -> Generator[InjectedFault]:
    """Cut one broker off from the workers that use the proxies."""
    index = rng.randrange(len(arena.proxies))
    arena.proxies[index].cut()
    try:
        yield InjectedFault(f"proxy of broker {index + 1} cut", rng.uniform(1, 9))
    finally:
        arena.proxies[index].restore()


@fault
def reset_connections(arena: Arena, rng: random.Random) -> Generator[InjectedFault]:
    for proxy in arena.proxies:
        proxy.reset()
    yield InjectedFault("connections reset")


@fault
def slow_predict(arena: Arena, rng: random.Random) -> Generator[InjectedFault]:
    """Slow down each call of the model, sometimes beyond `max.poll.interval.ms`."""
    seconds = rng.choice((0.3, 1.0, 3.0, 10.0))
    arena.fleet.slow.write_text(str(seconds))
    try:
        yield InjectedFault(f"predict takes {seconds} s", rng.uniform(2, 5))
    finally:
        arena.fleet.slow.unlink()


@fault
def scale_out(arena: Arena, rng: random.Random) -> Generator[InjectedFault]:
    """Add a worker that is stopped or killed at the end of the round."""
    worker = arena.fleet.add(rng.choice(("", f"extra-{rng.randrange(3)}")))
    yield InjectedFault(f"started {worker}", rng.uniform(6, 10))
    arena.fleet.remove(worker, rng.choice((signal.SIGTERM, signal.SIGKILL)))


@fault
def scale_in(arena: Arena, rng: random.Random) -> Generator[InjectedFault]:
    worker = arena.worker(rng)
    code = arena.fleet.end(worker, signal.SIGTERM) if worker.is_running else None
    yield InjectedFault(f"scaled in {worker}, it exited with {code}", rng.uniform(4, 8))
    if not worker.is_running:
        worker.start()


@fault
def poison_burst(arena: Arena, rng: random.Random) -> Generator[InjectedFault]:
    part = rng.choice((0.3, 0.6, 1.0))
    before = [sender.poison for sender in arena.traffic.senders]
    for sender in arena.traffic.senders:
        sender.poison = part
    yield InjectedFault(f"{part:.0%} of the records are poison", rng.uniform(0.5, 3))
    for sender, usual in zip(arena.traffic.senders, before, strict=True):
        sender.poison = usual


@fault
def all_workers(arena: Arena, rng: random.Random) -> Generator[InjectedFault]:
    """Kill all workers at once."""
    workers = arena.all_workers()
    arena.output_gaps.mark_fault("kill -9 of all workers")
    for worker in workers:
        arena.fleet.end(worker, signal.SIGKILL)
    yield InjectedFault("kill -9 of all workers")
    for worker in workers:
        if not worker.is_running:
            worker.start()


@fault
def move_alias(arena: Arena, rng: random.Random) -> Generator[InjectedFault]:
    """Move the alias to another version, which each worker loads while it serves."""
    yield InjectedFault(f"the alias moves to version {arena.registry.move()}", rng.uniform(0.5, 2))


@fault
def kill_in_revoke(arena: Arena, rng: random.Random) -> Generator[InjectedFault]:
    """Kill a named worker that has all partitions while it revokes some of them, and restart it within its session.

    The group returns its old assignment without a rebalance. The partitions that it was revoking have no owner.
    """
    workers = arena.all_workers()
    victim, other, *rest = sorted(workers, key=lambda worker: not worker.name)
    for worker in (other, *rest):
        arena.fleet.end(worker, signal.SIGTERM)
    arena.fleet.end(victim, signal.SIGTERM)
    begun = victim.text.count("→ running")
    victim.start("die after Worker._on_revoked call 1")
    arena.wait_until_owned()  # also true while the group still knows the assignment from before the restart
    arena.wait_until(
        lambda: victim.text.count("→ running") >= begun + arena.partitions, f"{victim} does not serve all partitions"
    )
    other.start()
    victim.process.wait(arena.timeout_s)
    victim.start()
    yield InjectedFault(f"kill -9 of {victim} in its revoke, for {other}")
    try:
        arena.wait_until_owned()
    finally:
        for worker in rest:
            worker.start()


@fault
def many_keys(arena: Arena, rng: random.Random) -> Generator[InjectedFault]:
    """Send more keys than fit into a slice of a checkpoint, and kill a worker between two slices."""
    worker, written = arena.worker(rng), arena.state_end()
    arena.traffic.burst(NEW_KEYS)
    slices = 2 * arena.partitions  # a slice is a record and the marker of its transaction
    arena.wait_until(lambda: arena.state_end() > written + slices, "the checkpoint of many keys has not begun")
    arena.output_gaps.mark_fault(f"kill -9 of {worker}")
    arena.fleet.end(worker, signal.SIGKILL)
    yield InjectedFault(f"{NEW_KEYS} new keys in each partition, kill -9 {worker} while their state is written")
    if not worker.is_running:
        worker.start()


@fault
def stall_in_join(arena: Arena, rng: random.Random) -> Generator[InjectedFault]:
    """Block all threads of a worker for longer than `max.poll.interval.ms` while another member joins."""
    victim = arena.worker(rng)
    arena.fleet.slow.write_text(f"13 {victim.process.pid}")
    extra = arena.fleet.add(rng.choice(("", f"extra-{rng.randrange(3)}")))
    yield InjectedFault(f"{victim} stalls for 13 s while {extra} joins", 15)
    arena.fleet.slow.unlink()
    try:
        arena.wait_until_owned()
    finally:
        arena.fleet.remove(extra)
