"""`ops.group_by`: run a pipeline for each key, with separate state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

from makiserve.errors import PipelineError
from makiserve.stream.engine.build import build_inner
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.groups import AgingGroups, Groups
from makiserve.stream.engine.idle_groups import CompletingGroups
from makiserve.stream.engine.plan import Operator, Plan, Traits
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Pipeline, Transform, operator, trace
from makiserve.stream.event_time import Duration, ms_from_duration

WhenIdle = Literal["forget", "complete"]
"""What happens to a group that has had no item for its ttl."""


def group_by(
    key_mapper: Callable[[Any], Any],
    pipeline: Pipeline | None = None,
    ttl: Duration | None = None,
    time_mapper: Callable[[Any], Any] | None = None,
    idle: WhenIdle = "forget",
) -> Transform:
    """Run `pipeline` for each key separately.

    ```
    --a1--b5--a2--|
      group_by(lambda i: i.key, [count()])
    --1---1---2---|
    ```

    Args:
        key_mapper: the key of an item; it must be hashable, and at most 64 kB. NaN is one key, alone or in a tuple.
        pipeline: the pipeline for each group's items.
        ttl: how long a group is kept without items, in the items' time; if its key comes later, a new group begins. A
            timedelta, or text such as `7d`. None keeps every group permanently.
        time_mapper: the time of an item, a datetime or integer milliseconds; required with `ttl`.
        idle: what happens to a group after its ttl. `forget` removes it without output. `complete` completes it, so
            that its open windows, sessions and reductions emit: at the first item of any key whose time is more than
            `ttl` after the group's last item, before that item. Groups that are due at the same item complete in the
            order of the times of their last items, then in the order in which they began.

    *Emits* what the groups emit, in the order of the items; at completion the groups complete in the order in which
    they were first seen. *State* the pipeline's state for each key seen within `ttl`. *Raises* what the mappers raise,
    and `ValueError` for a key that is too large. If an idle group fails to complete, the item that made it complete
    fails, and the group is removed: it does not fail again.

    Raises:
        PipelineError: `ttl` is given without `time_mapper`, or is not a whole number of milliseconds; `idle` is neither
            `forget` nor `complete`, or is `complete` without a `ttl`.

    >>> import rx, makiserve.stream as rs
    >>> groups = rs.ops.group_by(lambda i: i % 2, [rs.math.sum(reduce=True)])
    >>> rx.from_([1, 2, 3, 4]).pipe(groups).subscribe(print).dispose()
    4
    6
    >>> last = [rs.ops.last()]
    >>> visits = rs.ops.group_by(lambda i: i % 2, last, ttl="5ms", time_mapper=lambda i: i, idle="complete")
    >>> rx.from_([1, 2, 4, 8]).pipe(visits).subscribe(print).dispose()
    1
    8
    """
    if (ttl is None) != (time_mapper is None):
        raise PipelineError(
            "group_by: ttl and time_mapper need each other, because the ages of groups are measured in event time"
        )
    if idle not in get_args(WhenIdle) or (ttl is None and idle == "complete"):
        raise PipelineError(f"group_by: idle must be 'forget', or 'complete' together with a ttl, not {idle!r:.80}")
    ttl_ms = None if ttl is None else ms_from_duration(ttl, "group_by: ttl")
    return operator(GroupBy(key_mapper, trace(pipeline), ttl_ms, time_mapper, idle == "complete"))


@dataclass(frozen=True, eq=False)
class GroupBy(Operator):
    """The node of `group_by`."""

    name: ClassVar[str] = "group_by"
    key_mapper: Callable[[Any], Any]
    pipeline: Plan
    ttl_ms: int | None = None
    time_mapper: Callable[[Any], Any] | None = None
    completes_idle: bool = False

    @property
    def traits(self) -> Traits:
        return Traits(one_to_one=self.pipeline.one_to_one and not self.completes_idle)

    @property
    def fans_out(self) -> bool:
        return self.completes_idle or self.pipeline.fans_out

    def plans(self) -> Iterator[tuple[str, Plan]]:
        yield "pipeline", self.pipeline

    def build(self, then: Stage, scope: Scope) -> Part:
        inner, layout = build_inner(self.pipeline, then, scope)
        groups = self._groups(scope, layout, inner, then._replace(raises=inner.raises))

        def push(code: Code, item: str) -> None:
            key = code.let("key", f"{code.constant(self.key_mapper)}({item})")
            with code.inside(layout, groups.write_find(code, key, item)):
                inner.push(code, item)

        def complete(code: Code) -> None:
            with groups.write_loop(code) as child, code.inside(layout, child):
                inner.complete(code)
            then.complete(code)

        return Part(push, complete)

    def _groups(self, scope: Scope, layout: Scope, inner: Stage, follow: Stage) -> Groups:
        if self.ttl_ms is None or self.time_mapper is None:
            return Groups(scope, layout)
        if self.completes_idle:
            return CompletingGroups(scope, layout, self.ttl_ms, self.time_mapper, follow, inner.complete)
        return AgingGroups(scope, layout, self.ttl_ms, self.time_mapper, follow)
