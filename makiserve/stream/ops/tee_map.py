"""`ops.tee_map`: join the results of several pipelines over the same items."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal, get_args

from makiserve.errors import PipelineError
from makiserve.stream.engine.build import build, write_nothing
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.completing import passing_on
from makiserve.stream.engine.failure_mark import SharedMarks
from makiserve.stream.engine.joins import JOINS, Emitted, Writer, clear, collect, rows_of_any, rows_of_equal
from makiserve.stream.engine.journal import Origin
from makiserve.stream.engine.plan import EACH, FIRST, LAST, REGULAR, Operator, Plan, Rhythm, Traits
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Pipeline, Transform, operator, trace

Join = Literal["zip", "zip_longest", "merge", "combine_latest"]


def tee_map(*pipelines: Pipeline, join: Join = "zip") -> Transform:
    """Push each item through all `pipelines` and join what they emit.

    ```
    --1------2------3------|
      tee_map(count(), sum())
    --(1,1)--(2,3)--(3,6)--|
    ```

    Args:
        pipelines: the branches; each item runs through them in the order of the arguments.
        join: `zip` emits tuples of what the branches emit together. Branches that do not emit for the same items (if
            one of them filters, for instance) are refused: their values would belong to different items. `zip_longest`
            emits tuples of what the branches emit for the same item, with None for a branch that emits nothing or fewer
            values. `merge` passes on each value as it comes. `combine_latest` emits, for each value, a tuple of the
            latest values of all branches, None for a branch that has not emitted yet.

    *Emits* tuples with one element a branch, or values. *State* the branches' own; and one value a branch for
    `combine_latest`, and for a `zip` of values at completion. Each window or group has its own (in RxSci a value can
    leak into the next window of the same key, and `zip` pairs the latest values of any branches).

    Raises:
        PipelineError: no pipeline is given, the join is unknown, or the branches of a `zip` do not emit together.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 3]).pipe(rs.ops.tee_map(rs.ops.count(), rs.math.sum())).subscribe(print).dispose()
    (1, 1)
    (2, 3)
    (3, 6)
    >>> odd = rs.ops.filter(lambda i: i % 2)
    >>> rx.from_([1, 2, 3]).pipe(rs.ops.tee_map(odd, rs.math.sum(), join="zip_longest")).subscribe(print).dispose()
    (1, 1)
    (None, 3)
    (3, 6)
    """
    if not pipelines:
        raise PipelineError("tee_map needs at least one pipeline")
    if join not in get_args(Join):
        raise PipelineError(f"tee_map: join must be one of {', '.join(get_args(Join))}, not {join!r}")
    plans = tuple(trace(pipeline) for pipeline in pipelines)
    if join == "zip":
        _check_together(plans)
    return operator(TeeMap(plans, join))


def _check_together(plans: Sequence[Plan]) -> None:
    different = next((index for index, plan in enumerate(plans) if plan.rhythm != plans[0].rhythm), None)
    if different is None or _emit_once(plans):
        return
    first, other = (f"{index} ({_words(plans[index])})" for index in (0, different))
    raise PipelineError(
        f"tee_map: branches {first} and {other} do not emit for the same items, so zip would drop items or pair "
        "values of different ones. Put operators that drop, add or window items before the tee_map, or choose "
        'another join: join="zip_longest" (None for a branch that emits nothing for an item), '
        f'"combine_latest" or "merge"{_advice((plans[0], plans[different]))}'
    )


def _advice(plans: Sequence[Plan]) -> str:
    """Return what to write for a `first` or `last` that may have no items, next to a branch that emits once."""
    rhythms = [plan.rhythm for plan in plans]
    names = [getattr(rhythm[-1], "name", None) for rhythm in rhythms if rhythm]
    name = next((name for name in names if name in _ONE_OF_MANY), None)
    if name is None or not {FIRST, LAST} & set(rhythms):
        return ""
    return f". {name} emits nothing without items, {_ONE_OF_MANY[name]}(1, reduce=True) an empty tuple"


_ONE_OF_MANY = {"first": "rs.data.head", "last": "rs.data.tail"}


def _emit_once(plans: Sequence[Plan]) -> bool:
    """Return whether each branch emits exactly one item in all, at the first item or at completion."""
    return {plan.rhythm for plan in plans} <= {FIRST, LAST}


def _words(plan: Plan) -> str:
    return " > ".join(map(str, plan.operators)) or "identity"


@dataclass(frozen=True, eq=False)
class TeeMap(Operator):
    """The node of `tee_map`."""

    name: ClassVar[str] = "tee_map"
    pipelines: tuple[Plan, ...]
    join: Join

    @property
    def traits(self) -> Traits:
        one_to_one = self.join in ("zip", "zip_longest") and all(plan.one_to_one for plan in self.pipelines)
        return Traits(one_to_one=one_to_one, mergeable=self._is_mergeable)

    @property
    def fans_out(self) -> bool:
        return not (self.traits.one_to_one or self.traits.mergeable)

    @property
    def _is_mergeable(self) -> bool:
        """Return whether all branches wait for completion, apart from some that keep only the first item."""
        branches = self.pipelines
        waits = [plan.mergeable for plan in branches]
        return (
            self.join == "zip"
            and any(waits)
            and all(wait or _keeps_first(plan) for wait, plan in zip(waits, branches, strict=True))
        )

    @property
    def is_by_item(self) -> bool:
        """Return whether the output of the branches for an item is collected and then joined."""
        return not self.traits.one_to_one and (
            self.join == "zip_longest" or (self.join == "zip" and not _emit_once(self.pipelines))
        )

    @property
    def holds_items(self) -> bool:
        return any(operator.holds_items for plan in self.pipelines for operator in plan.operators)

    @property
    def holds_back(self) -> bool:
        return self.is_by_item or (self.join == "combine_latest" and self.holds_items)

    def rhythm(self, before: Rhythm) -> Rhythm | None:
        if self.join in ("zip", "zip_longest") and all(plan.rhythm == EACH for plan in self.pipelines):
            return before
        if self.join == "zip" and _emit_once(self.pipelines) and before in REGULAR:
            is_early = before != LAST and all(plan.rhythm == FIRST for plan in self.pipelines)
            return FIRST if is_early else LAST
        return None

    def plans(self) -> Iterator[tuple[str, Plan]]:
        for index, plan in enumerate(self.pipelines):
            yield str(index), plan

    def build(self, then: Stage, scope: Scope) -> Part:
        if self.is_by_item:
            return self._build_by_item(then, scope)
        causes: list[Origin] = [() for _ in self.pipelines]
        join = "with_causes" if self.holds_back else self.join
        joins = JOINS["together" if self.traits.one_to_one else join](then, scope, causes)
        if self.fans_out:  # the others keep nothing in the join before completion
            scope.writes(then)
        branches = self._branches(joins, then, scope)

        def begin(code: Code) -> None:
            if self.holds_back:
                code.line(f"{code.constant(causes, 'causes')}[:] = {code.constant(tuple(causes), 'none')}")

        def push(code: Code, item: str) -> None:
            begin(code)
            with code.deferring():
                for branch in branches:
                    branch.push(code, item)

        def complete(code: Code) -> None:
            begin(code)
            for branch in branches:
                branch.complete(code)
            then.complete(code)

        return Part(push, complete)

    def _branches(self, joins: Sequence[Writer], then: Stage, scope: Scope) -> list[Stage]:
        """Compile branches, each in front of its join."""
        branches: list[Stage] = []
        path, raises = scope.path, False
        for index in reversed(range(len(self.pipelines))):
            scope.path = (*path[:-1], f"tee_map[{index}]")
            repeats = then.repeats or (raises and not _writes_at_the_end(self.pipelines[index]))
            join = Stage(joins[index], joins[index], write_nothing, then.raises, repeats)
            branches.insert(0, build(self.pipelines[index], join, scope))
            raises = raises or branches[0].raises
        scope.path = path
        if self.join == "combine_latest":
            for later in branches[1:]:  # a value is kept before the branches after it are pushed to
                scope.writes(later)
        return branches

    def _build_by_item(self, then: Stage, scope: Scope) -> Part:
        """Compile branches whose output for an item, or at completion, is collected and then joined."""
        branches: list[Stage] = []
        emitted: list[list[Emitted]] = [[] for _ in self.pipelines]
        path, allocate = scope.path, scope.allocate_mark
        marks, passed = SharedMarks(allocate), list[Any]()
        for index, plan in enumerate(self.pipelines):
            if self.join == "zip":
                marks.begin()
                scope.allocate_mark = marks.allocate
            scope.path = (*path[:-1], f"tee_map[{index}]")
            keep = partial(collect, emitted[index])
            branches.append(build(plan, Stage(keep, keep, write_nothing, raises=True, repeats=True), scope))
        scope.path, scope.allocate_mark = path, allocate
        is_zip = self.join == "zip"
        rows = partial(rows_of_equal, scope.journal, passed) if is_zip else rows_of_any
        lists = [*emitted, passed] if is_zip else emitted

        def write_joined(code: Code, write: Callable[[Stage], None]) -> None:
            row, origins = code.name("row"), code.name("origins")
            code.line(f"{code.constant(clear, 'clear')}({code.constant(lists, 'lists')})")
            with code.settled(), code.noting(code.constant(passed, "passed")) if is_zip else nullcontext():
                for branch in branches:
                    write(branch)
            joined = f"{code.constant(rows, 'rows')}({code.constant(emitted, 'emitted')})"
            with code.block(f"for {row}, {origins} in {joined}:"), passing_on(code, origins):
                then.push(code, row)

        def push(code: Code, item: str) -> None:
            write_joined(code, lambda branch: branch.push(code, item))

        def complete(code: Code) -> None:
            write_joined(code, lambda branch: branch.complete(code))
            then.complete(code)

        return Part(push, complete)


def _writes_at_the_end(plan: Plan) -> bool:
    """Return whether all writes of a branch wait until the other branches have computed."""
    if not plan.operators:
        return False
    *before, last = (operator.traits for operator in plan.operators)
    deferred = all(traits.one_to_one and (traits.stateless or traits.writes_late) for traits in before)
    return deferred and (last.writes_late or (last.stateless and last.one_to_one))


def _keeps_first(plan: Plan) -> bool:
    """Return whether a branch is stateless steps up to `first`; the join keeps its early value until completion."""
    names = [operator.name for operator in plan.operators if not operator.traits.stateless]
    return names[:1] == ["first"] and len(names) == 1
