"""`data.pad_start`, `data.pad_end`: items before the first one and after the last one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.stream.arguments import whole_number
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator, Traits
from makiserve.stream.engine.scope import MISSING, Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform, operator


def pad_start(size: int, value: Any = None) -> Transform:
    """Emit `value` `size` times before the first item.

    ```
    --1------2--3--|
      pad_start(2, 0)
    --0-0-1--2--3--|
    ```

    Args:
        size: how many times.
        value: the value to emit; by default, and for None, the first item.

    *Emits* the padding with the first item, then the items; nothing for an empty stream. *State* one flag a key.

    Raises:
        PipelineError: size is not an integer of at least 0.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2]).pipe(rs.data.pad_start(2, 0)).subscribe(print).dispose()
    0
    0
    1
    2
    """
    return operator(PadStart(whole_number(size, "pad_start: size", least=0), value))


@dataclass(frozen=True, eq=False)
class PadStart(Operator):
    """The node of `pad_start`."""

    name: ClassVar[str] = "pad_start"
    traits = Traits(raises=False)
    fans_out: ClassVar[bool] = True
    size: int
    value: Any

    def build(self, then: Stage, scope: Scope) -> Part:
        started = scope.value(first=False)
        scope.writes(then)

        def push(code: Code, item: str) -> None:
            state = code.state(scope)
            with code.block(f"if not {state}[{started}]:"):
                code.line(f"{state}[{started}] = True")
                with code.block(f"for _ in range({self.size}):"):
                    then.call(code, item if self.value is None else code.constant(self.value, "value"))
            then.push(code, item)

        return Part(push, then.complete)


def pad_end(size: int, value: Any = None) -> Transform:
    """Emit `value` `size` times after the last item.

    ```
    --1--2--3--|
      pad_end(2, 0)
    --1--2--3--0-0|
    ```

    Args:
        size: how many times.
        value: the value to emit; by default, and for None, the last item.

    *Emits* the items, and the padding when the stream or its window completes; nothing for an empty stream.
    *State* one item a key.

    Raises:
        PipelineError: size is not an integer of at least 0.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2]).pipe(rs.data.pad_end(2, 0)).subscribe(print).dispose()
    1
    2
    0
    0
    """
    return operator(PadEnd(whole_number(size, "pad_end: size", least=0), value))


@dataclass(frozen=True, eq=False)
class PadEnd(Operator):
    """The node of `pad_end`."""

    name: ClassVar[str] = "pad_end"
    traits = Traits(raises=False)
    fans_out: ClassVar[bool] = True
    size: int
    value: Any

    def build(self, then: Stage, scope: Scope) -> Part:
        last = scope.value(MISSING)
        scope.writes_late(then)

        def push(code: Code, item: str) -> None:
            code.later(f"{code.state(scope)}[{last}] = {item}")
            then.push(code, item)

        def complete(code: Code) -> None:
            padding = code.let("padding", f"{code.state(scope)}[{last}]")
            with (
                code.block(f"if {padding} is not {code.constant(MISSING, 'MISSING')}:"),
                code.block(f"for _ in range({self.size}):"),
            ):
                then.call(code, padding if self.value is None else code.constant(self.value, "value"))
            then.complete(code)

        return Part(push, complete)
