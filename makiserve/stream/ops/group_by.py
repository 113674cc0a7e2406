"""`ops.group_by`: one pipeline, run for each key with a state of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.stream.engine.build import build_inner
from makiserve.stream.engine.operator import Operator, Stage, State
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.trace import Pipeline, Transform, operator, trace


def group_by(key_mapper: Callable[[Any], Any], pipeline: Pipeline | None = None) -> Transform:
    """Runs `pipeline` for each key separately.

    ```
    --a1--b5--a2--|
      group_by(lambda i: i.key, [count()])
    --1---1---2---|
    ```

    Args:
        key_mapper: the key of an item; it must be hashable.
        pipeline: what each group's items go through.

    *Emits* what the groups emit, in the order of the items; at completion the groups complete in the order in which
    they were first seen. *State* the pipeline's state for each key. *Raises* what `key_mapper` raises.

    >>> import rx, makiserve.stream as rs
    >>> groups = rs.ops.group_by(lambda i: i % 2, [rs.math.sum(reduce=True)])
    >>> rx.from_([1, 2, 3, 4]).pipe(groups).subscribe(print).dispose()
    4
    6
    """
    return operator(GroupBy(key_mapper, trace(pipeline)))


@dataclass(frozen=True, eq=False)
class GroupBy(Operator):
    """The node of `group_by`."""

    name: ClassVar[str] = "group_by"
    key_mapper: Callable[[Any], Any]
    pipeline: Plan

    @property
    def one_to_one(self) -> bool:  # type: ignore[override]  # known only with the parameter
        return self.pipeline.one_to_one

    def plans(self) -> Iterator[tuple[str, Plan]]:
        yield "pipeline", self.pipeline

    def build(self, then: Stage, scope: Scope) -> Stage:
        inner, layout = build_inner(self.pipeline, then, scope)
        groups, key_mapper, journal = scope.container(dict, layout), self.key_mapper, scope.journal
        inner_push, inner_complete, end = inner.push, inner.complete, then.complete

        def push(item: Any, state: State) -> None:
            key = key_mapper(item)
            children = state[groups]
            child = children.get(key)
            if child is None:
                child = children[key] = layout.new(state)
                journal.append((children.pop, key))
            elif layout.guarded:
                journal.enter(child)
            inner_push(item, child)

        def complete(state: State) -> None:
            children, state[groups] = state[groups], {}
            for child in children.values():
                journal.enter(child)
                inner_complete(child)
            end(state)

        return Stage(push, complete)
