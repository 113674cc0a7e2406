"""`ops.group_by`: one pipeline, run for each key with a state of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.stream.engine.build import build_inner
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.operator import Operator, Part, Stage
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

    def build(self, then: Stage, scope: Scope) -> Part:
        inner, layout = build_inner(self.pipeline, then, scope)
        groups = scope.container(dict, layout)

        def push(code: Code, item: str) -> None:
            state = code.state(scope)
            key = code.let("key", f"{code.constant(self.key_mapper)}({item})")
            children = code.let("groups", f"{state}[{groups}]")
            child = code.let("group", f"{children}.get({key})")
            with code.block(f"if {child} is None:"):
                code.line(f"{child} = {children}[{key}] = {layout.write_new(code, state)}")
                code.line(f"journal.append(({children}.pop, {key}))")
            if layout.guarded:
                with code.block("else:"):
                    layout.write_enter(code, child)
            with code.inside(layout, child):
                inner.push(code, item)

        def complete(code: Code) -> None:
            state, child = code.state(scope), code.name("group")
            children = code.let("groups", f"{state}[{groups}]")
            code.line(f"{state}[{groups}] = {{}}")
            with code.block(f"for {child} in {children}.values():"), code.inside(layout, child):
                code.line(f"{code.constant(scope.journal.enter, 'enter')}({child})")
                inner.complete(code)
            then.complete(code)

        return Part(push, complete)
