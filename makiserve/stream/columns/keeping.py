"""Plans with functions that are called: the row engine keeps their results until the columns have caught up.

Columns process the records of small batches again (`row_copy.py`). A function that has no column form may be slow, and
must not be called again for them. Its result for a record is therefore kept with the record. Decision 0272.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from makiserve.errors import OperatorError
from makiserve.stream.columns.expressions.function_trace import trace
from makiserve.stream.data.as_of import AsOf
from makiserve.stream.engine.keeper import UNKNOWN, Keeper, give, take
from makiserve.stream.engine.plan import Operator, Plan
from makiserve.stream.engine.program import FeedResult, Program
from makiserve.stream.engine.stage import State
from makiserve.stream.ops.filter import Filter
from makiserve.stream.ops.group_by import GroupBy
from makiserve.stream.ops.map import Map, Starmap
from makiserve.stream.ops.scan import Scan
from makiserve.stream.ops.tee_map import TeeMap

KEPT: dict[type[Operator], tuple[str, ...]] = {
    Map: ("mapper",),
    Starmap: ("mapper",),
    Filter: ("predicate",),
    GroupBy: ("key_mapper",),
    Scan: ("accumulator",),
    AsOf: ("time_mapper", "known_at", "value"),
}
"""The functions whose results can be kept: both engines call them once for each item at most."""

OF_SCOPES = ("seed", "terminator")
"""The functions of a scan that are called when a group begins or ends, not for a record."""


class KeepingProgram:
    """The row engine's program of a plan, which keeps the results of functions that columns would call again.

    Args:
        plan: the plan.
        keepers: those of its functions whose results are kept.
        is_tracked: as for `Program`.

    Attributes:
        scope: the layout of the state, which is that of any program of the plan.
    """

    def __init__(self, plan: Plan, keepers: Sequence[Keeper], *, is_tracked: bool) -> None:
        self.plan, self.keepers = plan, tuple(keepers)
        self._program = Program(plan, is_tracked=is_tracked)
        self.scope = self._program.scope

    def feed(self, items: Sequence[Any], state: State) -> tuple[FeedResult, list[tuple[Any, ...]]]:
        """Process items in order; also return for each of them the results of the functions."""
        kept: list[tuple[Any, ...]] = []

        def single(item: Any) -> FeedResult:
            fed = self._program.feed((item,), state)
            kept.append(take(self.keepers))
            return fed

        return _joined(map(single, items)), kept

    def feed_again(self, items: Sequence[Any], kept: Sequence[tuple[Any, ...]], state: State) -> FeedResult:
        """Process items in order whose results were kept, without calling the functions again."""

        def single(item: Any, results: Sequence[Any]) -> FeedResult:
            give(self.keepers, results)
            return self._program.feed((item,), state)

        fed = _joined(map(single, items, kept))
        give(self.keepers, [UNKNOWN] * len(self.keepers))
        take(self.keepers)
        return fed

    def by_function(self, kept: Sequence[tuple[Any, ...]]) -> dict[Keeper, Sequence[Any]]:
        """Return for each function its results, given those of each record."""
        return dict(zip(self.keepers, zip(*kept, strict=True), strict=True))


def _joined(parts: Iterable[FeedResult]) -> FeedResult:
    """Return the results of single items as that of all of them."""
    outputs, causes, failures = list[Any](), list[int](), list[tuple[int, OperatorError]]()
    for index, fed in enumerate(parts):
        outputs += fed.outputs
        causes += [index] * len(fed.outputs)
        failures += [(index, error) for _, error in fed.failures]
    return FeedResult(outputs, causes, failures)


def keeping_program(plan: Plan, calls: Calls, *, is_tracked: bool) -> KeepingProgram | None:
    """Return the program that keeps the results of a plan's functions; None if a record may call one of them twice."""
    keepers: list[Keeper] = []
    try:
        kept = _kept(plan, calls, keepers, is_once=True)
    except _Repeated:
        return None
    return KeepingProgram(kept, keepers, is_tracked=is_tracked)


def is_whole(function: Callable[..., Any], operator: Operator) -> bool:
    """Return whether a function is computed in columns on all of its paths."""
    return trace(function, starred=isinstance(operator, Starmap)).is_whole


def called(operator: Operator) -> list[str]:
    """Return which of an operator's functions are called for some items."""
    functions = ((field.name, getattr(operator, field.name)) for field in fields(operator))
    return [name for name, function in functions if callable(function) and not is_whole(function, operator)]


Calls = Mapping[int, Sequence[str]]
"""By the identity of an operator, which of its functions are called for some items."""


def calls_of(plan: Plan) -> Calls:
    """Return which functions of a plan are called for some items; each is traced once."""
    return {id(operator): names for operator in plan.walk() if (names := called(operator))}


class _Repeated(Exception):
    """A record may call a function several times, or with a result that cannot be kept."""


def _kept(plan: Plan, calls: Calls, keepers: list[Keeper], *, is_once: bool) -> Plan:
    """Return the plan with keepers; `is_once` is whether a record causes one item at most.

    Raises:
        _Repeated: the results of a function cannot be kept.
    """
    operators: list[Operator] = []
    for operator in plan.operators:
        operators.append(_with_keeper(operator, calls, keepers, is_once=is_once))
        is_once = is_once and not operator.fans_out
    return Plan(tuple(operators))


def _with_keeper(operator: Operator, calls: Calls, keepers: list[Keeper], *, is_once: bool) -> Operator:
    changes: dict[str, Any] = {}
    for name in calls.get(id(operator), ()):
        if is_once and isinstance(operator, Scan) and name in OF_SCOPES:
            continue
        if not is_once or name not in KEPT.get(type(operator), ()):
            raise _Repeated
        keepers.append(Keeper(getattr(operator, name)))
        changes[name] = keepers[-1]
    if isinstance(operator, GroupBy):
        is_once = is_once and operator.ttl_ms is None
        changes["pipeline"] = _kept(operator.pipeline, calls, keepers, is_once=is_once)
    elif isinstance(operator, TeeMap):
        is_once = is_once and operator.traits.one_to_one
        changes["pipelines"] = tuple(_kept(branch, calls, keepers, is_once=is_once) for branch in operator.pipelines)
    else:
        for _, inner in operator.plans():  # of windows, which call a function again for the items that they share
            _kept(inner, calls, keepers, is_once=False)
    return replace(operator, **changes) if changes else operator
