"""Groups that complete once they are idle: timers in event time, which the items of all keys advance."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from itertools import count
from operator import itemgetter
from typing import Any, NamedTuple

from makiserve.stream.engine.code import Code
from makiserve.stream.engine.completing import completing
from makiserve.stream.engine.groups import TimedGroups
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Stage, State

_serials = count()


class Timer(NamedTuple):
    """When a group may be idle for too long: never later than it is, and checked when it is due.

    Attributes:
        seen: a time at which the group had an item, in ms.
        number: the number of the group, in the order of their first items.
        serial: a number that no other timer has, so that keys are never compared.
        key: the key of the group.
        group: its state. If it is not the state of that key any more, the timer has no effect.
    """

    seen: int
    number: int
    serial: int
    key: Any
    group: State


class IdleGroup:
    """A group that has been removed so that it completes.

    Attributes:
        group: its state.
    """

    def __init__(self, timer: Timer, groups: dict[Any, State], queue: list[Timer]) -> None:
        self.group = timer.group
        self._timer, self._groups, self._queue = timer, groups, queue

    def __str__(self) -> str:
        return f"idle group of key {self._timer.key!r:.80}"

    def put_back(self) -> None:
        """Undo the removal."""
        self._groups[self._timer.key] = self.group
        heappush(self._queue, self._timer)

    def remove(self) -> None:
        """Remove the group again, since it could not complete. Its timer has no effect any more."""
        if self._groups.get(self._timer.key) is self.group:
            del self._groups[self._timer.key]


class CompletingGroups(TimedGroups):
    """Groups that complete at the first item whose time is more than `ttl_ms` after their last one.

    They complete in the order of their last items' times, then in the order of their first items. A queue of timers
    holds one for each group. It is derived from the groups, so that a checkpoint leaves it out.

    Args:
        scope: the scope that contains the groups.
        layout: the layout of each group's state.
        ttl_ms: how long a group may be idle.
        time_mapper: the time of an item.
        follow: the stage after the groups.
        complete: writes the completion of a group.
    """

    def __init__(
        self,
        scope: Scope,
        layout: Scope,
        ttl_ms: int,
        time_mapper: Callable[[Any], Any],
        follow: Stage,
        complete: Callable[[Code], None],
    ) -> None:
        super().__init__(scope, layout, ttl_ms, time_mapper, follow)
        self._complete, self._repeats = complete, follow.repeats
        self._number, self._next_number = layout.value(0), scope.value(0)
        self._queue = scope.container(list, is_kept=False)
        layout.number = self._number

    def write_find(self, code: Code, key: str, item: str) -> str:
        groups, _ = self._write_get(code, key)  # first: a key that fails must leave no trace, not even its time
        state, now = code.state(self.scope), self._write_now(code, item)
        self._write_complete_idle(code, groups, now)
        self._write_touch(code, key)
        group = code.let("group", f"{groups}.get({key})")
        with code.block(f"if {group} is None:"):
            code.line(f"{group} = {groups}[{key}] = {self.layout.write_new(code, state)}")
            code.line(f"journal.append(({groups}.pop, {key}, None))")  # it may be gone: one record can give many items
            code.line(f"{code.constant(self._add_timer, 'add_timer')}({state}, {key}, {group}, {now})")
        with code.block("else:"):
            code.remember(group)
        code.line(f"{group}[{self._seen}] = {now}")
        return group

    def _write_in_order(self, code: Code, groups: str) -> str:
        # undo and checkpoints do not keep the order of the dict
        return f"sorted({groups}.values(), key={code.constant(itemgetter(self._number), 'number')})"

    def _write_complete_idle(self, code: Code, groups: str, now: str) -> None:
        state, idle = code.state(self.scope), code.name("idle")
        queue = code.let("queue", f"{state}[{self._queue}]")
        is_due = f"{queue} and {queue}[0][0] < {now} - {self._ttl_ms}"
        with code.block(f"if {is_due} or len({queue}) < len({groups}):"):
            take = code.constant(self._take_idle, "take_idle")
            with code.block(f"for {idle} in {take}({state}, {now} - {self._ttl_ms}):"):
                group = code.let("group", f"{idle}.group")
                code.remember(group)
                with completing(code, "group", f"str({idle})", IdleGroup.remove, idle), code.inside(self.layout, group):
                    self._complete(code)

    def _add_timer(self, state: State, key: Any, group: State, now: int) -> None:
        group[self._number] = state[self._next_number]
        state[self._next_number] += 1
        heappush(state[self._queue], Timer(now, group[self._number], next(_serials), key, group))

    def _take_idle(self, state: State, horizon: int) -> list[IdleGroup]:
        """Remove the groups without an item since `horizon`, and return them in the order in which they complete."""
        queue, groups, journal = state[self._queue], state[self.slot], self.scope.journal
        if len(queue) < len(groups):  # the state comes from a checkpoint
            queue[:] = [self._timer(key, group) for key, group in groups.items()]
            heapify(queue)
        idle, checked = list[IdleGroup](), set[int]()
        while queue and queue[0].seen < horizon:
            timer: Timer = heappop(queue)
            if groups.get(timer.key) is not timer.group or id(timer.group) in checked:
                continue  # left over from a record that failed
            checked.add(id(timer.group))
            if timer.group[self._seen] >= horizon:
                heappush(queue, self._timer(timer.key, timer.group))
                if self._repeats:  # its last item may be this record, which may fail
                    journal.append((heappush, queue, timer))
                continue
            idle.append(IdleGroup(timer, groups, queue))
            del groups[timer.key]
            journal.append((idle[-1].put_back,))
            if self._touched is not None:
                state[self._touched].add(timer.key)
        return sorted(idle, key=lambda idle_group: (idle_group.group[self._seen], idle_group.group[self._number]))

    def _timer(self, key: Any, group: State) -> Timer:
        return Timer(group[self._seen], group[self._number], next(_serials), key, group)
