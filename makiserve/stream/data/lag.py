"""`data.lag`, `data.delta`: pair an item with an earlier one, or compute their difference."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.stream.arguments import whole_number
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.held_items import HeldItems
from makiserve.stream.engine.plan import Operator, Traits
from makiserve.stream.engine.scope import MISSING, Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.ops.map import map
from makiserve.stream.reactive import compose
from makiserve.stream.scalars import plain


def lag(size: int = 1, data_type: object = "obj") -> Transform:
    """Pair each item with the one `size` items before it.

    ```
    --1------2------3------4------|
      lag(2)
    --(1,1)--(1,2)--(1,3)--(2,4)--|
    ```

    Args:
        size: how many items back, at least 1.
        data_type: accepted for compatibility with RxSci; it has no effect.

    *Emits* `(earlier, item)` for each item; `(first, item)` while fewer than `size` items came before. If a function
    fails on the pairs of two items in a row, both fail, and the earlier item is dropped, as if the key began after it.
    *State* the last `size` items a key.

    Raises:
        PipelineError: size is not an integer of at least 1.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 3]).pipe(rs.data.lag()).subscribe(print).dispose()
    (1, 1)
    (1, 2)
    (2, 3)
    """
    return operator(Lag(whole_number(size, "lag: size")))


@dataclass(frozen=True, eq=False)
class Lag(Operator):
    """The node of `lag`."""

    name: ClassVar[str] = "lag"
    holds_items: ClassVar[bool] = True
    traits = Traits(raises=False, one_to_one=True, writes_late=True)
    size: int

    def build(self, then: Stage, scope: Scope) -> Part:
        push = self._last(then, scope) if self.size == 1 else self._queue(then, scope)
        return Part(push, then.complete)

    def _last(self, then: Stage, scope: Scope) -> Callable[[Code, str], None]:
        slot = scope.value(MISSING)
        held = HeldItems(scope, slot, str(self))
        scope.writes_late(then)

        def push(code: Code, item: str) -> None:
            state = code.state(scope)
            last = code.let("last", f"{state}[{slot}]")
            pair = f"({item} if {last} is {code.constant(MISSING, 'MISSING')} else {last}, {item})"
            code.later(f"{state}[{slot}] = {item}")
            code.later(f"{state}[{held.slot}] = 0")
            with held.given(code, state):
                then.push(code, code.let("pair", pair))

        return push

    def _queue(self, then: Stage, scope: Scope) -> Callable[[Code, str], None]:
        slot = scope.container(deque)
        held = HeldItems(scope, slot, str(self))

        def push(code: Code, item: str) -> None:
            state, earlier = code.state(scope), code.name("earlier")
            queue = code.let("queue", f"{state}[{slot}]")
            with code.block(f"if len({queue}) == {self.size}:"):
                code.line(f"{earlier} = {queue}.popleft()")
                code.line(f"journal.append(({queue}.appendleft, {earlier}))")
            with code.block("else:"):
                code.line(f"{earlier} = {queue}[0] if {queue} else {item}")
            code.line(f"{queue}.append({item})")
            code.line(f"journal.append(({queue}.pop,))")
            with code.block(f"if {state}[{held.slot}]:"):
                code.remember(state)
                code.line(f"{state}[{held.slot}] = 0")
            with held.given(code, state):
                then.push(code, code.let("pair", f"({earlier}, {item})"))

        return push


def delta(key_mapper: Callable[[Any], Any] | None = None, size: int = 1) -> Transform:
    """Compute the difference between each item and the one `size` items before it.

    ```
    --1--4--9--16--|
      delta()
    --0--3--5--7---|
    ```

    It is pandas' `diff`, except that the first items are compared with the very first one: the differences begin with
    0 instead of NaN.

    Args:
        key_mapper: the value to compare; by default the item itself.
        size: how many items back, at least 1.

    *Emits* one difference for each item. Numpy scalars count as Python's numbers: the difference of two unsigned
    ones may be negative. If two items in a row fail, the earlier value is dropped, as in `lag`. *State* the last
    `size` values a key. *Raises* what `key_mapper` and the subtraction raise.

    Raises:
        PipelineError: size is not an integer of at least 1.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 4, 9]).pipe(rs.data.delta()).subscribe(print).dispose()
    0
    3
    5
    """
    size = whole_number(size, "delta: size")
    values = [] if key_mapper is None else [map(key_mapper)]
    differences: Transform = compose(*values, lag(size), map(lambda pair: plain(pair[1]) - plain(pair[0])))
    return differences
