"""Groups: the scopes of the keys seen, kept permanently or until they have been idle for too long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from makiserve.stream.engine.code import Code
from makiserve.stream.engine.key import new_key
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Stage, State
from makiserve.stream.event_time import ms_from_time

SWEEPS_A_TTL = 8
"""Number of searches for idle groups per ttl: their memory is released at most an eighth of the ttl late."""


class Groups:
    """A scope for each key, in the order in which the keys were first seen.

    Args:
        scope: the scope that contains the groups.
        layout: the layout of each group's state.
    """

    def __init__(self, scope: Scope, layout: Scope) -> None:
        self.scope, self.layout = scope, layout
        self.slot, self._touched = scope.groups(layout)

    def write_find(self, code: Code, key: str, item: str) -> str:
        """Write that the group of a key is found, or created and journaled, and return the variable that holds it."""
        state, layout = code.state(self.scope), self.layout
        groups, group = self._write_get(code, key)
        self._write_touch(code, key)
        with code.block(f"if {group} is None:"):
            code.line(f"{group} = {groups}[{key}] = {layout.write_new(code, state)}")
            code.line(f"journal.append(({groups}.pop, {key}))")
        if layout.guarded:
            with code.block("else:"):
                layout.write_enter(code, group)
        return group

    @contextmanager
    def write_loop(self, code: Code) -> Iterator[str]:
        """Write a loop over all groups, oldest first, around the code that is written inside, and remove the groups."""
        state, group = code.state(self.scope), code.name("group")
        groups = code.let("groups", f"{state}[{self.slot}]")
        code.line(f"{state}[{self.slot}] = {{}}")
        with code.block(f"for {group} in {self._write_in_order(code, groups)}:"):
            code.remember(group)
            yield group

    def _write_in_order(self, code: Code, groups: str) -> str:
        """Return the expression for the states of all groups, in the order in which their keys were first seen."""
        return f"{groups}.values()"

    def _write_get(self, code: Code, key: str) -> tuple[str, str]:
        """Write that a key is looked up, which fails if it cannot be one, and return the variables: groups, group."""
        groups = code.let("groups", f"{code.state(self.scope)}[{self.slot}]")
        group = code.let("group", f"{groups}.get({key})")
        with code.block(f"if {group} is None:"):
            code.line(f"{key} = {code.constant(new_key)}({key})")
            code.line(f"{group} = {groups}.get({key})")
        return groups, group

    def _write_touch(self, code: Code, key: str) -> None:
        # A record that fails leaves its key there: the group is saved once more than needed, with no other effect.
        if self._touched is not None:
            code.line(f"{code.state(self.scope)}[{self._touched}].add({key})")


class TimedGroups(Groups):
    """Groups that are removed when they have had no item for `ttl_ms` of the items' time.

    A slot of each group's scope holds the time when the group was last seen. The latest time seen is the lane's: a late
    item does not make a group younger or older.
    """

    def __init__(
        self, scope: Scope, layout: Scope, ttl_ms: int, time_mapper: Callable[[Any], Any], follow: Stage
    ) -> None:
        super().__init__(scope, layout)
        self._ttl_ms, self._time_mapper = ttl_ms, time_mapper
        self._seen, self._latest = layout.value(0), scope.value(None)
        scope.writes(follow)
        layout.writes(follow)

    def _write_now(self, code: Code, item: str) -> str:
        latest = f"{code.state(self.scope)}[{self._latest}]"
        now = code.let("now", f"{code.constant(ms_from_time)}({code.constant(self._time_mapper)}({item}))")
        with code.block(f"if {latest} is not None and {latest} > {now}:"):
            code.line(f"{now} = {latest}")
        code.line(f"{latest} = {now}")
        return now


class AgingGroups(TimedGroups):
    """Groups that are forgotten when they have been idle for too long."""

    def __init__(
        self, scope: Scope, layout: Scope, ttl_ms: int, time_mapper: Callable[[Any], Any], follow: Stage
    ) -> None:
        super().__init__(scope, layout, ttl_ms, time_mapper, follow)
        self._next = scope.value(None)

    def write_find(self, code: Code, key: str, item: str) -> str:
        self._write_get(code, key)  # first: a key that fails must leave no trace, not even its time
        state, now = code.state(self.scope), self._write_now(code, item)
        with code.block(f"if {state}[{self._next}] is None or {now} >= {state}[{self._next}]:"):
            alive = f"{code.constant(self._alive, 'alive')}({state}, {now})"
            code.line(f"{state}[{self.slot}] = {alive}")
            code.line(f"{state}[{self._next}] = {now} + {max(1, self._ttl_ms // SWEEPS_A_TTL)}")
        self._write_touch(code, key)
        groups = code.let("groups", f"{state}[{self.slot}]")
        group = code.let("group", f"{groups}.get({key})")
        with code.block(f"if {group} is None or {group}[{self._seen}] < {now} - {self._ttl_ms}:"):
            code.line(f"journal.append(({code.constant(_put_back)}, {groups}, {key}, {group}))")
            code.line(f"{group} = {groups}[{key}] = {self.layout.write_new(code, state)}")
        with code.block("else:"):
            code.remember(group)
        code.line(f"{group}[{self._seen}] = {now}")
        return group

    def _alive(self, state: State, now: int) -> dict[Any, State]:
        seen, horizon, groups = self._seen, now - self._ttl_ms, state[self.slot]
        alive: dict[Any, State] = groups.copy()  # of the same type: a dict may look groups up elsewhere
        idle = [key for key, group in groups.items() if group[seen] < horizon]
        for key in idle:
            del alive[key]
        if self._touched is not None:
            state[self._touched].update(idle)
        return alive


def _put_back(groups: dict[Any, State], key: Any, group: State | None) -> None:
    if group is None:
        del groups[key]
    else:
        groups[key] = group
