"""`ops.start_with`: items in front of the first one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.stream.arguments import elements
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator, Traits
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform, operator


def start_with(padding: Iterable[Any]) -> Transform:
    """Emit the items of `padding` just before the first item.

    ```
    --------1--2--3--|
      start_with([0, 10])
    --0-10--1--2--3--|
    ```

    Args:
        padding: the items to emit first, in each window and group.

    *Emits* the padding at the first item, then each item as it is; nothing for an empty stream. *State* one flag a key.

    Raises:
        PipelineError: the padding is an Observable, or cannot be iterated over.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2]).pipe(rs.ops.start_with([0])).subscribe(print).dispose()
    0
    1
    2
    """
    return operator(StartWith(tuple(elements(padding, "start_with: padding"))))


@dataclass(frozen=True, eq=False)
class StartWith(Operator):
    """The node of `start_with`."""

    name: ClassVar[str] = "start_with"
    traits = Traits(raises=False)
    padding: tuple[Any, ...]

    @property
    def fans_out(self) -> bool:
        return True

    def build(self, then: Stage, scope: Scope) -> Part:
        started = scope.value(first=False)
        scope.writes(then)

        def push(code: Code, item: str) -> None:
            place = f"{code.state(scope)}[{started}]"
            with code.block(f"if not {place}:"):
                code.line(f"{place} = True")
                pad = code.name("pad")
                with code.block(f"for {pad} in {code.constant(self.padding, 'padding')}:"):
                    then.call(code, pad)
            then.push(code, item)

        return Part(push, then.complete)
