"""Compile a plan to steps over columns, or say which operator has no columnar form."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import chain, takewhile
from typing import Any

from makiserve.stream.columns.attempt import Unrepresentable
from makiserve.stream.columns.group_table import TOP, Table
from makiserve.stream.columns.state import LaneState
from makiserve.stream.columns.steps.accumulating import ScanStep
from makiserve.stream.columns.steps.aging import AgingGroupByStep
from makiserve.stream.columns.steps.as_of import AsOfStep
from makiserve.stream.columns.steps.folding import FoldStep
from makiserve.stream.columns.steps.grouping import GroupByStep
from makiserve.stream.columns.steps.joining import CombineLatestStep, MergeStep, TeeMapStep, ZipLongestStep, ZipOnceStep
from makiserve.stream.columns.steps.remembering import DistinctUntilChangedStep, LagStep, PairwiseStep
from makiserve.stream.columns.steps.selecting import DistinctStep, FirstStep, TakeStep
from makiserve.stream.columns.steps.stateless import FlatMapStep
from makiserve.stream.columns.steps.step import Chain, ScopeLayout, Step
from makiserve.stream.columns.steps.windows import RollStep
from makiserve.stream.columns.window_plan import NoColumns, roll_step, stateless_step, time_windows_step, trailing_step
from makiserve.stream.data.as_of import AsOf
from makiserve.stream.data.forward_fill import ForwardFill, filled
from makiserve.stream.data.lag import Lag
from makiserve.stream.data.roll import Roll
from makiserve.stream.data.roll_trailing import RollTrailing
from makiserve.stream.data.time_windows import TimeWindows
from makiserve.stream.engine.failure_mark import FailureMark, SharedMarks
from makiserve.stream.engine.fold import Fold
from makiserve.stream.engine.held_items import HeldItems
from makiserve.stream.engine.keeper import Keeper, unwrapped
from makiserve.stream.engine.plan import FIRST, LAST, Operator, Plan
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import State
from makiserve.stream.math.extremes import Comparing
from makiserve.stream.ops.distinct import Distinct, DistinctUntilChanged
from makiserve.stream.ops.group_by import GroupBy
from makiserve.stream.ops.map import FlatMap
from makiserve.stream.ops.pairwise import Pairwise
from makiserve.stream.ops.position import First, Take
from makiserve.stream.ops.scan import Scan
from makiserve.stream.ops.tee_map import TeeMap

LANE = 0
"""The number of the table of a lane's own scope."""


class Compiled:
    """The steps of a plan, and the layout of its state.

    Attributes:
        chain: the steps.
        layouts: the stores of each scope.
        groups: the steps that keep groups, by the number of their table.
        is_keyed: whether each record belongs to one group of one `group_by`, which has all state: the row engine can
            then process the records of some groups, and the columns those of the others.
    """

    def __init__(self, plan: Plan, *, is_tracked: bool) -> None:
        self.is_tracked = is_tracked
        self.layouts = [ScopeLayout(LANE)]
        self.groups: dict[int, GroupByStep] = {}
        self.chain = self._chain(plan, (), self.layouts[LANE], is_certain=True)
        self.is_keyed = self._is_keyed(plan)

    def tables(self) -> list[Table]:
        """Return the tables of a lane that has not seen any items."""
        tables = [Table(layout.stores, is_tracked=self.is_tracked and layout.parent == LANE) for layout in self.layouts]
        tables[LANE].find([None])
        return tables

    def _is_keyed(self, plan: Plan) -> bool:
        outermost = [layout for layout in self.layouts if layout.parent == LANE]
        before = list(takewhile(lambda operator: not isinstance(operator, GroupBy), plan.operators))
        is_direct = len(before) < len(plan.operators) and not any(operator.fans_out for operator in before)
        return is_direct and len(outermost) == 1 and not self.layouts[LANE].stores

    def move(self, state: LaneState, odd: Unrepresentable) -> None:
        """Move what arrays cannot hold to the row engine: the groups concerned if they are independent, or all."""
        if not self.is_keyed or not odd.keys:
            self.move_all(state)
            return
        step, table, groups = self._outermost(), self.outermost_table(state), state.rows[-1]
        rows, added = table.find(odd.keys)
        new = {key for _, key in added}
        for key, row in zip(odd.keys, rows.tolist(), strict=True):
            if table.is_foreign[row]:
                continue
            if key not in new:  # otherwise the row engine adds the group if one of its records does not fail
                groups[key] = step.group_state(state.tables, row, state.rows)
                step.release(state.tables, [row])
            table.is_foreign[row] = True
            table.is_touched[row] = True

    def put_in_order(self, state: LaneState, known: int, seen: Iterable[Any]) -> None:
        """Put the groups that a batch has added in the order of their first records, as the row engine does.

        Args:
            state: the lane's state after the batch.
            known: the number of groups before the batch.
            seen: the keys of the batch's records, in order, without those that failed.
        """
        table = self.outermost_table(state)
        added = {key: table.index.pop(key) for key in list(table.index)[known:]}
        for key in seen:
            if key in added:
                table.put(TOP, key, added.pop(key))
        table.release(list(added.values()))  # all records of these groups failed in the row engine

    def move_all(self, state: LaneState) -> None:
        """Move the whole state to the row engine, unless it is there already."""
        if state.is_foreign:
            return
        if self.is_keyed:
            table = self.outermost_table(state)
            awaited = [key for key, row in table.index.items() if table.is_foreign[row] and key not in state.rows[-1]]
            table.release([table.index.pop(key) for key in awaited])
        rows: State = [None]
        rows += self.chain.slots(state.tables, 0, rows, is_tracked=self.is_tracked)
        if self.is_keyed:
            _adopt(state.rows[-1], rows)
        state.rows, state.is_foreign = rows, True
        state.tables = self.tables()

    def outermost_table(self, state: LaneState) -> Table:
        """Return the table of the groups to which the records of a keyed plan belong."""
        return state.tables[self._outermost().table]

    def _outermost(self) -> GroupByStep:
        return next(step for step in self.groups.values() if not step.is_nested)

    def _chain(self, plan: Plan, path: tuple[str, ...], layout: ScopeLayout, *, is_certain: bool) -> Chain:
        steps: list[Step] = []
        for operator in plan.operators:
            step = self._step(operator, path, layout, is_certain=is_certain)
            step.is_certain = is_certain
            # if one record becomes several items, the first of them may fail in a later operator, or complete a window
            is_certain = is_certain and not step.is_stateful and not operator.fans_out
            steps.append(step)
        return Chain(steps)

    def _step(  # noqa: C901  one case for each operator
        self, operator: Operator, path: tuple[str, ...], layout: ScopeLayout, *, is_certain: bool
    ) -> Step:
        here = " > ".join((*path, str(operator)))
        stateless = stateless_step(operator, here)
        if stateless is not None:
            return stateless
        match operator:
            case Roll():
                return roll_step(operator, (*path, str(operator)), layout, is_certain=is_certain)
            case RollTrailing():
                return trailing_step(operator, (*path, str(operator)), layout, is_certain=is_certain)
            case TimeWindows():
                return self._time_windows(operator, (*path, str(operator)), layout)
            case Lag(size=size):
                return LagStep(here, layout, size)
            case AsOf():
                return AsOfStep(here, layout, operator)
            case Pairwise():
                return PairwiseStep(here, layout)
            case First():
                return FirstStep(here, layout)
            case Take(count=count):
                return TakeStep(here, layout, count)
            case Distinct(key_mapper=key_mapper):
                return DistinctStep(here, layout, key_mapper)
            case FlatMap():
                return FlatMapStep(here)
            case DistinctUntilChanged(key_mapper=key_mapper):
                return DistinctUntilChangedStep(here, layout, key_mapper)
            case Scan():
                return _scan_step(here, layout, operator)
            case Fold():
                return FoldStep(here, layout, operator)
            case ForwardFill():
                return ScanStep(here, layout, lambda: None, filled)
            case TeeMap():
                return self._tee_map(operator, here, path, layout, is_certain=is_certain)
            case GroupBy():
                return self._group_by(operator, here, path, layout, is_certain=is_certain)
        raise NoColumns(f"{here} has no columnar form")

    def _time_windows(self, operator: TimeWindows, path: tuple[str, ...], layout: ScopeLayout) -> Step:
        late = None
        if operator.on_late is not None:
            if any(isinstance(inner, GroupBy) for inner in operator.on_late.walk()):
                raise NoColumns(f"{' > '.join(path)}: its pipeline for late items has groups")
            late = self._chain(operator.on_late, path, layout, is_certain=False)
        return time_windows_step(operator, path, layout, late)

    def _tee_map(
        self, operator: TeeMap, here: str, path: tuple[str, ...], layout: ScopeLayout, *, is_certain: bool
    ) -> Step:
        is_certain, branches = is_certain and not operator.fans_out, list[Chain]()
        allocate, marks = layout.allocate_mark, SharedMarks(layout.allocate_mark)
        for index, plan in enumerate(operator.pipelines):
            if operator.is_by_item and operator.join == "zip":
                marks.begin()
                layout.allocate_mark = marks.allocate
            branches.append(self._chain(plan, (*path, f"{operator.name}[{index}]"), layout, is_certain=is_certain))
            # an item that fails in a later branch may fail in this one first, once failed items before it are removed
            is_certain = is_certain and not _may_fail_by_earlier_items(plan)
        layout.allocate_mark = allocate
        if operator.is_by_item and operator.join == "zip":
            for step in chain.from_iterable(branch.walk() for branch in branches):
                step.is_joined = True
        rhythms = [plan.rhythm for plan in operator.pipelines]
        if operator.join == "zip" and set(rhythms) <= {FIRST, LAST}:
            return ZipOnceStep(here, layout, branches, [rhythm == FIRST for rhythm in rhythms])
        if operator.traits.one_to_one or operator.join == "zip":
            return TeeMapStep(here, branches, is_reversed=operator.traits.one_to_one)
        if operator.join == "combine_latest":
            return CombineLatestStep(here, layout, branches)
        is_merge = operator.join == "merge"
        return (MergeStep if is_merge else ZipLongestStep)(here, branches, is_reversed=is_merge)

    def _group_by(
        self, operator: GroupBy, here: str, path: tuple[str, ...], layout: ScopeLayout, *, is_certain: bool
    ) -> Step:
        if operator.completes_idle:
            raise NoColumns(f"{here}: groups that complete when they are idle have no columnar form")
        inner = ScopeLayout(len(self.layouts), layout.number)
        self.layouts.append(inner)
        chain = self._chain(operator.pipeline, (*path, str(operator)), inner, is_certain=is_certain)
        key, ttl_ms, time = operator.key_mapper, operator.ttl_ms, operator.time_mapper
        if ttl_ms is None or time is None:
            step = GroupByStep(here, key, chain, inner)
        else:
            step = AgingGroupByStep(here, key, chain, inner, layout, ttl_ms, time)
        self.groups[inner.number] = step
        return step


def _may_fail_by_earlier_items(plan: Plan) -> bool:
    """Return whether the items before an item may be why a pipeline fails on it."""
    has_state = False
    for operator in plan.operators:
        if has_state or isinstance(operator, Scan | Comparing | DistinctUntilChanged | AsOf | TimeWindows):
            return True
        if isinstance(operator, GroupBy) and operator.ttl_ms is not None:
            return True
        if any(_may_fail_by_earlier_items(inner) for _, inner in operator.plans()):
            return True
        has_state = not operator.traits.stateless
    return False


def _scan_step(path: str, layout: ScopeLayout, operator: Scan) -> ScanStep:
    keeper = operator.accumulator if isinstance(operator.accumulator, Keeper) else None
    safely = replace(operator, accumulator=unwrapped(operator.accumulator)).safely()
    return ScanStep(path, layout, *safely, is_silent=operator.reduce, keeper=keeper)


def group_slots(chain: Chain, scope: Scope) -> dict[int, GroupByStep]:
    """Return the steps of a scope that keep groups by the slots that the row engine keeps them in."""
    slots = [index for index, slot in enumerate(scope.slots, 1) if slot.first is dict and _is_group(slot.child)]
    steps = (step for step in chain.allocated() if isinstance(step, GroupByStep))
    return dict(zip(slots, steps, strict=True))


def marked_steps(chain: Chain, scope: Scope) -> dict[FailureMark | HeldItems, RollStep | LagStep | AsOfStep]:
    """Return the steps of a scope that note failures by what notes them in the row engine."""
    steps = list(chain.allocated())
    rolls = (step for step in steps if isinstance(step, RollStep) and step.mark)
    holding = (step for step in steps if isinstance(step, LagStep | AsOfStep))
    held = {
        items: step
        for items, step in zip(scope.held, holding, strict=True)
        if isinstance(step, AsOfStep) or not step.is_joined  # `as_of` emits for each item, whatever it holds
    }
    return dict(zip(scope.marks, rolls, strict=True)) | held


def _is_group(layout: Scope | None) -> bool:
    """Return whether a slot with states of this layout holds groups, not windows."""
    return layout is not None and not layout.is_window


def _adopt(foreign: dict[Any, State], rows: State) -> None:
    """Put the groups that the row engine has already into its state of the whole lane."""
    for key, group in foreign.items():
        group[0] = rows
        rows[-1][key] = group
