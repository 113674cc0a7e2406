"""Compile the pipeline of a window: stateless steps up to a reduction, or a tee_map of such pipelines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from makiserve.stream.columns.rolling import MAX_WINDOW
from makiserve.stream.columns.slices import Slices
from makiserve.stream.columns.spans import column_spans
from makiserve.stream.columns.steps.folding import item_mapper
from makiserve.stream.columns.steps.hopping import TimeWindowsStep
from makiserve.stream.columns.steps.reductions import NONE, Bound, FirstItem, Join, Values, WindowReduction
from makiserve.stream.columns.steps.stateless import FilterStep, IdentityStep, MapStep, StarmapStep
from makiserve.stream.columns.steps.step import Chain, ScopeLayout, Step
from makiserve.stream.columns.steps.trailing import TrailingStep
from makiserve.stream.columns.steps.windows import RollStep
from makiserve.stream.data.clip import Clip
from makiserve.stream.data.fill_none import FillNone
from makiserve.stream.data.roll import Roll
from makiserve.stream.data.roll_trailing import RollTrailing
from makiserve.stream.data.time_windows import TimeWindows
from makiserve.stream.data.window_bounds import WindowStart
from makiserve.stream.engine.fold import Fold
from makiserve.stream.engine.plan import Operator, Plan
from makiserve.stream.ops.count import Count
from makiserve.stream.ops.filter import Filter
from makiserve.stream.ops.identity import Identity
from makiserve.stream.ops.map import Map, Starmap
from makiserve.stream.ops.position import First, Last
from makiserve.stream.ops.tee_map import TeeMap


class NoColumns(Exception):
    """An operator has no columnar form; the message names it and the reason."""


class _Before(NamedTuple):
    """The steps from an item to the value that is reduced, and a key that equal steps share."""

    steps: tuple[Step, ...] = ()
    key: tuple[Any, ...] = ()

    def then(self, step: Step, function: Any) -> _Before:
        return _Before((*self.steps, step), (*self.key, type(step), _identity(function)))


class WindowPlan:
    """The reductions of a window, and the values that they share.

    Args:
        pipeline: the pipeline of the window; it is mergeable.
        path: the place of the window's operator in the pipeline.
        is_certain: as in `Step`.
        has_item: whether a window contains the item that closes it, so that `last` needs no earlier item.

    Attributes:
        values: what the reductions reduce.
        tree: the reductions, and how their results are joined.

    Raises:
        NoColumns: an operator of the pipeline has no columnar form inside a window.
    """

    def __init__(self, pipeline: Plan, path: tuple[str, ...], *, is_certain: bool, has_item: bool = True) -> None:
        self._is_certain, self._has_item = is_certain, has_item
        self._numbers: dict[tuple[Any, ...], int] = {}
        self.values: list[Values] = []
        self.tree = self._node(pipeline, path, _Before())

    def _node(self, plan: Plan, path: tuple[str, ...], before: _Before) -> WindowReduction | Join:
        index = next(index for index, operator in enumerate(plan.operators) if not operator.traits.stateless)
        for operator in plan.operators[:index]:
            if isinstance(operator, Identity):
                continue
            if not isinstance(operator, Map | Starmap):
                raise NoColumns(f"{self._path(path, operator)} comes before a reduction in a window")
            before = before.then(self._stateless(operator, path, is_certain=self._is_certain), operator.mapper)
        after = Chain([self._stateless(mapper, path, is_certain=False) for mapper in plan.operators[index + 1 :]])
        operator = plan.operators[index]
        if isinstance(operator, Fold):
            here = self._path(path, operator)
            return WindowReduction(here, operator, self._shared(operator, here, before), after, self._is_certain)
        if isinstance(operator, First) and index == len(plan.operators) - 1:
            here, node = self._path(path, operator), FirstItem(None, reduce=True)
            return WindowReduction(here, node, self._shared(node, here, before), after, self._is_certain)
        if isinstance(operator, WindowStart):
            return WindowReduction(
                self._path(path, operator), Bound(number=operator.bound), NONE, after, is_certain=False
            )
        if isinstance(operator, TeeMap):
            lead = f"{operator.name}["
            branches = (
                self._node(branch, (*path, f"{lead}{number}]"), before)
                for number, branch in enumerate(operator.pipelines)
            )
            return Join(tuple(branches), after)
        raise NoColumns(f"{self._path(path, operator)} has no columnar form in a window")

    def _stateless(self, operator: Operator, path: tuple[str, ...], *, is_certain: bool) -> Step:
        step = stateless_step(operator, self._path(path, operator))
        if step is None:
            raise NoColumns(f"{self._path(path, operator)} has no columnar form")
        step.is_certain = is_certain
        return step

    def _shared(self, node: Fold, path: str, before: _Before) -> int:
        """Return the number of the values that a reduction reduces."""
        mapper = item_mapper(node)
        if isinstance(node, Count) and not node.skip_missing:  # it reads no value, so that no items need be kept
            mapper = _nothing
        if mapper:
            step = MapStep(path, mapper)
            step.is_certain = self._is_certain
            before = before.then(step, mapper)
        is_last = isinstance(node, Last) and self._has_item
        key = (*before.key, is_last)
        if key not in self._numbers:
            self._numbers[key] = len(self.values)
            self.values.append(Values(Chain(before.steps), is_last))
        return self._numbers[key]

    @staticmethod
    def _path(path: tuple[str, ...], operator: Operator) -> str:
        return " > ".join((*path, str(operator)))


def roll_step(operator: Roll, path: tuple[str, ...], layout: ScopeLayout, *, is_certain: bool) -> RollStep:
    """Return the columnar form of a roll.

    Raises:
        NoColumns: it has none.
    """
    here, slices = " > ".join(path), Slices(int(operator.window), int(operator.stride))
    if not operator.is_sliced:
        raise NoColumns(f"{here}: its pipeline is not a reduction, so every open window has its own state")
    if slices.panes > MAX_WINDOW:
        raise NoColumns(f"{here}: its windows have more than {MAX_WINDOW} panes")
    # which items are between windows depends on those before them
    is_certain = is_certain and operator.stride <= operator.window
    plan = WindowPlan(operator.pipeline, path, is_certain=is_certain)
    return RollStep(here, layout, slices, plan.values, plan.tree)


def trailing_step(
    operator: RollTrailing, path: tuple[str, ...], layout: ScopeLayout, *, is_certain: bool
) -> TrailingStep:
    """Return the columnar form of trailing windows.

    Raises:
        NoColumns: they have none.
    """
    here = " > ".join(path)
    if not operator.pipeline.mergeable:
        raise NoColumns(f"{here}: its pipeline is not a reduction, so every window runs it on all items")
    bounds = operator.bounds
    plan = WindowPlan(operator.pipeline, path, is_certain=is_certain, has_item=bounds.has_item)
    return TrailingStep(here, layout, bounds, operator.time_mapper, plan.values, plan.tree)


def time_windows_step(
    operator: TimeWindows, path: tuple[str, ...], layout: ScopeLayout, late: Chain | None
) -> TimeWindowsStep:
    """Return the columnar form of windows that begin at fixed times.

    Args:
        operator: the operator.
        path: its place in the pipeline.
        layout: of the scope.
        late: the pipeline for late items.

    Raises:
        NoColumns: they have none.
    """
    here = " > ".join(path)
    if not operator.pipeline.mergeable:
        raise NoColumns(f"{here}: its pipeline is not a reduction, so every open window has its own state")
    plan = WindowPlan(operator.pipeline, path, is_certain=False)  # which items are late depends on those before them
    spans = column_spans(operator.spans)
    return TimeWindowsStep(here, layout, spans, operator.time_mapper, plan.values, plan.tree, late)


def stateless_step(operator: Operator, path: str) -> Step | None:
    """Return the columnar form of an operator that keeps no state; None if it has none."""
    match operator:
        case Map(mapper=mapper):
            return MapStep(path, mapper)
        case Starmap(mapper=mapper):
            return StarmapStep(path, mapper)
        case Filter(predicate=predicate):
            return FilterStep(path, predicate)
        case Clip():
            return MapStep(path, operator.clip)
        case FillNone():
            return MapStep(path, operator.fill)
        case Identity():
            return IdentityStep(path)
    return None


def _nothing(item: Any) -> bool:
    return True


def _identity(function: Callable[..., Any]) -> Any:
    """Return what is equal for functions that are written twice: `lambda i: i.v` is computed once."""
    code = getattr(function, "__code__", None)
    if code is None or function.__closure__ or function.__defaults__ or function.__kwdefaults__:
        return id(function)
    return code.co_code, code.co_consts, code.co_names, id(function.__globals__)
