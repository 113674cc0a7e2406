"""Small batches: the row engine computes them on a copy of the groups that they use, and the columns catch up later.

A batch in columns costs hundreds of numpy calls, however few records it has, and the row engine costs the same for each
record. Both give the same results and the same state, so the columns may process the records of several small batches
later, as one batch. Until then the copy is ahead of them. See decision 0205.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from functools import partial
from typing import Any, NamedTuple, TypeAlias
from weakref import proxy

from makiserve.stream.columns.compile import LANE, Compiled, group_slots, marked_steps
from makiserve.stream.columns.group_table import TOP
from makiserve.stream.columns.state import LaneState
from makiserve.stream.columns.steps.as_of import AsOfStep
from makiserve.stream.columns.steps.grouping import GroupByStep
from makiserve.stream.columns.steps.remembering import LagStep
from makiserve.stream.columns.steps.step import Chain
from makiserve.stream.columns.steps.windows import RollStep
from makiserve.stream.data.as_of import KnownValues
from makiserve.stream.engine.failure_mark import FailureMark
from makiserve.stream.engine.held_items import HeldItems
from makiserve.stream.engine.journal import Completion, Suspect
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import State

MarkedStep: TypeAlias = RollStep | LagStep | AsOfStep
"""A step that notes failures."""


class SmallBatches(NamedTuple):
    """Limits of what the row engine computes for the columns.

    Attributes:
        records: the number of records of the largest small batch; 0 if there are none.
        pending: the number of records after which the columns catch up.
        groups: the number of groups whose copies a lane keeps. With windows of 20 values, a copy takes about 12 kB.
        free: the number of groups that are copied for any lane.
        copies: the number of groups per batch that may be copied beyond these. To copy a group takes about half as long
            as to compute a batch in columns.
        pause: the number of small batches that columns compute if more groups would have to be copied.
        after: the number of small batches that columns compute after a large one. In a backlog, small and large batches
            alternate, and each large one drops the copies.
    """

    records: int = 64
    pending: int = 512
    groups: int = 1024
    free: int = 100
    copies: int = 2
    pause: int = 1024
    after: int = 0


SMALL = SmallBatches(after=2)
NO_SMALL = SmallBatches(records=0)


class CopiedScope:
    """A scope that is copied: the groups inside it.

    Args:
        chain: the steps of the scope.
        layout: the scope in the row engine.

    Attributes:
        inside: by the slot of the row engine that holds groups, their step and their scope.
        marked: by what notes failures in the row engine, the step that notes them in columns.
    """

    def __init__(self, chain: Chain, layout: Scope) -> None:
        self.layout = layout
        self.marked = marked_steps(chain, layout)
        self.inside: dict[int, tuple[GroupByStep, CopiedScope]] = {}
        for slot, step in group_slots(chain, layout).items():
            child = layout.slots[slot - 1].child
            assert child is not None  # noqa: S101  a slot of groups has one
            self.inside[slot] = step, CopiedScope(step.chain, child)

    def all_marked(self) -> dict[FailureMark | HeldItems, MarkedStep]:
        """Return the steps that note failures, of this scope and of the groups inside it."""
        steps = dict(self.marked)
        for _, inner in self.inside.values():
            steps |= inner.all_marked()
        return steps


class RowCopy:
    """A copy of a lane's state in the row engine's form. A group is copied when a record needs it.

    Args:
        compiled: the plan in columns.
        scope: the scope of the lane.
        lane: the state of the lane, which must not change until the copy has been dropped, except by its own records.

    Attributes:
        state: the copy.
        pending: the records that the copy has seen, and the columns have not.
        kept: for each of these the results of the functions that are called; empty if none is.
        batches: the number of batches that were computed on the copy.
        copied: the number of groups that have been copied.
    """

    def __init__(self, compiled: Compiled, scope: CopiedScope, lane: LaneState) -> None:
        self.pending: list[Any] = []
        self.kept: list[tuple[Any, ...]] = []
        self.batches = self.copied = 0
        self._empty, self._lane = compiled.tables(), proxy(lane)  # the lane must be freed with its last reference
        self._groups = sum(map(len, lane.tables))
        state: State = [None]
        tables = [lane.tables[LANE], *self._empty[LANE + 1 :]]
        state += compiled.chain.slots(tables, TOP, state, is_tracked=compiled.is_tracked)
        self._rows: dict[int, tuple[int, int]] = {id(state): (LANE, TOP)}
        self._marked = scope.all_marked()
        self.state = self._opened(scope, TOP, state)

    def is_worthwhile(self, small: SmallBatches) -> bool:
        """Return whether the batches use the same groups often enough to pay for copying them."""
        return self.copied <= small.free + small.copies * self.batches

    @property
    def groups(self) -> int:
        """The number of groups that have been copied, or added by records that the columns have seen."""
        return self.copied + sum(map(len, self._lane.tables)) - self._groups

    def _opened(self, scope: CopiedScope, row: int, state: State) -> State:
        """Return the state of a scope; the groups inside it are copied when they are looked up."""
        for slot, (step, inner) in scope.inside.items():
            state[slot] = CopiedGroups(partial(self._group, step, inner, row, state))
        return state

    def _group(self, step: GroupByStep, scope: CopiedScope, outer: int, parent: State, key: Any) -> State | None:
        """Return a copy of a group in the row `outer` of the enclosing scope; None if the key has no group there."""
        table = self._lane.tables[step.table]
        row = table.members.get(outer, {}).get(key)
        if row is None:
            return None
        self.copied += 1
        if table.is_foreign[row]:  # in a plan with one group_by; the state of other plans moves as a whole
            group = self._lane.rows[-1].get(key)
            return None if group is None else _copied(group, scope.layout, parent)
        tables = list(self._empty)
        tables[step.table] = table
        group = step.group_state(tables, row, parent)
        self._rows[id(group)] = step.table, row
        return self._opened(scope, row, group)

    def note_failures(self, failed: Sequence[Completion | Suspect]) -> bool:
        """Note in the columns what the copy has noted: the windows of rolls and held items that a record failed with.

        Returns:
            Whether they are the only ones. Otherwise there is something that only the row engine can remove, and
            nothing is noted.
        """
        noted: dict[tuple[int, int], tuple[Any, State]] = {}  # the rolls of some branches share a mark
        for cause in failed:
            if isinstance(cause, Suspect):
                mark, state = cause.items, cause.state
            else:
                mark, state = getattr(cause.remove, "__self__", None), cause.arguments[0]
            if mark not in self._marked:
                return False
            noted[mark.slot, id(state)] = mark, state
        for mark, state in noted.values():
            self._note(mark, state)
        return True

    def _note(self, mark: FailureMark | HeldItems, noted: State) -> None:
        place, step = self._rows.get(id(noted)), self._marked[mark]
        if place is not None:  # otherwise the record that failed has begun the group
            if isinstance(step, AsOfStep):
                assert isinstance(mark, KnownValues)  # noqa: S101  what the step corresponds to
                step.note_failure(self._lane.tables, place[1], mark.contents(noted))
            else:
                step.note_failure(self._lane.tables, place[1])
        state: State | None = noted
        while state is not None:
            table, row = self._rows.get(id(state), (LANE, TOP))
            self._lane.tables[table].is_touched[row] = True
            state = state[0]


class CopiedGroups(dict[Any, State]):
    """The groups of a scope by key; `get` copies those that have not been copied yet.

    Args:
        load: returns a copy of the group of a key; None if the key has no group.
    """

    def __init__(self, load: Callable[[Any], State | None]) -> None:
        super().__init__()
        self._load = load

    def get(self, key: Any, default: Any = None) -> Any:
        """Return the group of a key."""
        group = super().get(key)
        if group is None:
            group = self._load(key)
            if group is None:
                return default
            self[key] = group
        return group

    def copy(self) -> CopiedGroups:
        """Return the same groups, copied or not."""
        groups = CopiedGroups(self._load)
        groups.update(self)
        return groups


def _copied(state: State, layout: Scope, parent: State) -> State:
    """Return a copy of a state of the row engine."""
    copied: State = [parent]
    for content, slot in zip(state[1:], layout.slots, strict=True):
        if slot.child is None:
            copied.append(copy(content) if slot.is_container else content)
        elif isinstance(content, dict):
            copied.append({key: _copied(child, slot.child, copied) for key, child in content.items()})
        else:
            copied.append([_copied(child, slot.child, copied) for child in content])
    return copied
