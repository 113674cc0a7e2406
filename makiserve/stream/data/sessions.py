"""The open sessions of `roll_session`: disjoint spans of time, each with a partial result, which late items merge."""

from __future__ import annotations

from bisect import bisect_right

from makiserve.stream.data.window_bounds import bounds_expression
from makiserve.stream.engine.build import build_inner
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.completing import completing
from makiserve.stream.engine.journal import restore
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Stage, State


class OpenSessions:
    """Writes the code for the open sessions, a list in the order of time in a slot of `scope`.

    Each is `gap_ms` or more after the one before it. In place of bounds, a session has the time of its first item,
    which shows the form that they will have.
    """

    def __init__(self, plan: Plan, gap_ms: int, then: Stage, scope: Scope) -> None:
        self._inner, self._layout = build_inner(plan, then, scope, is_window=True)
        self._slot = scope.container(list, self._layout)
        self._start, self._end = self._layout.value(0, min), self._layout.value(0, max)
        self._layout.writes_late(then)
        self._gap_ms, self._scope = gap_ms, scope

    def write_close(self, code: Code, closed: str | None) -> None:
        """Write that the sessions that end at or before the time `closed`, or all if it is None, complete."""
        state, session = code.state(self._scope), code.name("session")
        sessions = code.let("sessions", f"{state}[{self._slot}]")
        with code.block(f"if {sessions}{f' and {sessions}[0][{self._end}] <= {closed}' if closed else ''}:"):
            code.remember(state)
            due = f"[session for session in {sessions} if session[{self._end}] <= {closed}]" if closed else sessions
            due = code.let("due", due)
            code.line(f"{state}[{self._slot}] = {sessions}[len({due}) :]")
            with code.block(f"for {session} in {due}:"):
                whole = code.let("session", f"{session}.copy()")
                like = f"{session}[{self._layout.bounds}]"
                bounds = bounds_expression(code, f"{session}[{self._start}]", f"{session}[{self._end}]", like)
                self._layout.write_bounds(code, whole, bounds)
                name = f"{code.constant(self._name, 'name')}({session})"
                with completing(code, "session", name, self._remove, state, session), code.inside(self._layout, whole):
                    self._inner.complete(code)

    def write_find(self, code: Code, time: str, closed: str) -> str:
        """Write that the session of an item is found or opened; return the variable of its index, or of None."""
        return code.let("at", f"{code.constant(self._find, 'find')}({code.state(self._scope)}, {time}, {closed})")

    def write_push(self, code: Code, item: str, at: str, given: str, time: str) -> None:
        """Write that an item is pushed into the session at an index, which merges with the next one if it reaches it.

        Args:
            code: the program.
            item: the variable of the item.
            at: that of the index.
            given: that of its time, as `time_mapper` returned it.
            time: that of its time in ms.
        """
        state = code.state(self._scope)
        session = code.let("session", f"{state}[{self._slot}][{at}]")
        self._layout.write_enter(code, session)
        with code.inside(self._layout, session), code.settled():
            self._inner.push(code, item)
        with code.block(f"if {time} > {session}[{self._end}]:"):
            code.line(f"{session}[{self._end}] = {time}")
        if self._layout.bounds is not None:
            with code.block(f"if {session}[{self._layout.bounds}] is None:"):
                self._layout.write_bounds(code, session, given)
        following = code.let("following", f"{state}[{self._slot}][{at} + 1 : {at} + 2]")
        reaches = f"{following}[0][{self._start}] - {session}[{self._end}] < {self._gap_ms}"
        with code.block(f"if {following} and {reaches}:"):
            code.remember(state)
            merged = f"{self._layout.write_merge(code)}({session}, {following}[0])"
            sessions = f"{state}[{self._slot}]"
            code.line(f"{sessions} = [*{sessions}[:{at}], {merged}, *{sessions}[{at} + 2 :]]")

    def _find(self, state: State, time: int, closed: int) -> int | None:
        """Return the index of the session that an item joins, or begins; None if it is late.

        An item that is in the gap before a session begins one, and merges with it afterwards.
        """
        sessions, journal = state[self._slot], self._scope.journal
        at = bisect_right(sessions, time, key=self._start_of)
        joins_next = at < len(sessions) and sessions[at][self._start] - time < self._gap_ms
        if at and time - sessions[at - 1][self._end] < self._gap_ms:
            at -= 1
            if joins_next:  # the merge may fail, after the item has been pushed
                journal.append((restore, sessions[at], sessions[at][:]))
        elif joins_next or time > closed:
            opened = self._layout.new(state)
            opened[self._start] = opened[self._end] = time
            sessions.insert(at, opened)
            journal.append((_discard, sessions, opened))
        else:
            return None
        return at

    def _remove(self, state: State, session: State) -> None:
        _discard(state[self._slot], session)

    def _name(self, session: State) -> str:
        return f"session from {session[self._start]} ms to {session[self._end]} ms"

    def _start_of(self, session: State) -> int:
        start: int = session[self._start]
        return start


def _discard(sessions: list[State], session: State) -> None:
    sessions[:] = [other for other in sessions if other is not session]
