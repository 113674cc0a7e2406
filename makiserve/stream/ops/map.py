"""`ops.map`, `ops.starmap`, `ops.flat_map`: transform items."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator, Traits
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform, operator


def map(mapper: Callable[[Any], Any]) -> Transform:
    """Apply `mapper` to each item.

    ```
    --1--2--3--|
      map(lambda i: i * 10)
    --10-20-30-|
    ```

    *Emits* one item for each item. *State* none. *Raises* what `mapper` raises.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 3]).pipe(rs.ops.map(lambda i: i * 10)).subscribe(print).dispose()
    10
    20
    30
    """
    return operator(Map(mapper))


@dataclass(frozen=True, eq=False)
class Map(Operator):
    """The node of `map`."""

    name: ClassVar[str] = "map"
    traits = Traits(stateless=True, one_to_one=True)
    mapper: Callable[[Any], Any]

    def build(self, then: Stage, scope: Scope) -> Part:
        def push(code: Code, item: str) -> None:
            then.push(code, code.let("item", f"{code.constant(self.mapper)}({item})"))

        return Part(push, then.complete)


def starmap(mapper: Callable[..., Any]) -> Transform:
    """Apply `mapper` to the elements of each item.

    ```
    --(1,2)--(3,4)--|
      starmap(lambda a, b: a + b)
    --3------7------|
    ```

    *Emits* one item for each item. *State* none. *Raises* what `mapper` raises, and `TypeError` for an item that cannot
    be unpacked.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([(1, 2), (3, 4)]).pipe(rs.ops.starmap(lambda a, b: a + b)).subscribe(print).dispose()
    3
    7
    """
    return operator(Starmap(mapper))


@dataclass(frozen=True, eq=False)
class Starmap(Operator):
    """The node of `starmap`."""

    name: ClassVar[str] = "starmap"
    traits = Traits(stateless=True, one_to_one=True)
    mapper: Callable[..., Any]

    def build(self, then: Stage, scope: Scope) -> Part:
        def push(code: Code, item: str) -> None:
            then.push(code, code.let("item", f"{code.constant(self.mapper)}(*{item})"))

        return Part(push, then.complete)


def flat_map() -> Transform:
    """Emit the elements of each item one by one.

    ```
    --[1,2]--[]--[3]--|
      flat_map()
    --1-2--------3----|
    ```

    *Emits* one item for each element, in its order. *State* none. *Raises* `TypeError` for an item that cannot be
    iterated, and what its iteration raises. The error is that item's, and none of its elements is emitted.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([[1, 2], [], [3]]).pipe(rs.ops.flat_map()).subscribe(print).dispose()
    1
    2
    3
    """
    return operator(FlatMap())


@dataclass(frozen=True, eq=False)
class FlatMap(Operator):
    """The node of `flat_map`."""

    name: ClassVar[str] = "flat_map"
    traits = Traits(stateless=True)

    @property
    def fans_out(self) -> bool:
        return True

    def build(self, then: Stage, scope: Scope) -> Part:
        def push(code: Code, item: str) -> None:
            element = code.name("element")
            with code.block(f"for {element} in {item}:"):
                then.push(code, element)

        return Part(push, then.complete)
