"""`data.to_list`, `data.to_array`, `data.to_deque`: all items as one collection."""

from __future__ import annotations

from abc import abstractmethod
from array import array
from dataclasses import dataclass
from typing import ClassVar

from makiserve.errors import PipelineError
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import LAST, Operator, Rhythm, Traits
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform, operator


@dataclass(frozen=True, eq=False)
class Collect(Operator):
    """Keeps values of the items in one list for each scope."""

    def write_value(self, code: Code, item: str) -> str:
        """Return the expression for the value to keep of an item."""
        return item

    @abstractmethod
    def write_end(self, code: Code, kept: str, then: Stage) -> None:
        """Write what is emitted for the list `kept`, which must not be changed."""

    def build(self, then: Stage, scope: Scope) -> Part:
        slot = scope.container(list)

        def push(code: Code, item: str) -> None:
            value = self.write_value(code, item)
            kept = code.let("kept", f"{code.state(scope)}[{slot}]")
            code.line(f"{kept}.append({value})")
            code.line(f"journal.append(({kept}.pop,))")

        def complete(code: Code) -> None:
            self.write_end(code, f"{code.state(scope)}[{slot}]", then)
            then.complete(code)

        return Part(push, complete)


def to_list() -> Transform:
    """Collect the items into a list.

    ```
    --1--2--3--|
      to_list()
    -----------[1,2,3]|
    ```

    *Emits* one list, when the stream or its window completes; an empty one for an empty stream.
    *State* all items of the stream or window.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 3]).pipe(rs.data.to_list()).run()
    [1, 2, 3]
    """
    return operator(ToList())


@dataclass(frozen=True, eq=False)
class ToList(Collect):
    """The node of `to_list`."""

    name: ClassVar[str] = "to_list"
    traits = Traits(raises=False)

    def rhythm(self, before: Rhythm) -> Rhythm | None:
        return LAST

    def write_end(self, code: Code, kept: str, then: Stage) -> None:
        then.call(code, f"{kept}.copy()")


def to_array(typecode: str) -> Transform:
    """Collect the items into an `array.array`.

    ```
    --1--2--3--|
      to_array("d")
    -----------array([1.0,2.0,3.0])|
    ```

    Args:
        typecode: the type of the elements, one of `array.typecodes`: "d" for float64, "q" for int64, and so on.

    *Emits* one array, when the stream or its window completes; an empty one for an empty stream. *State* all items of
    the stream or window. *Raises* `TypeError` or `OverflowError` for an item that is not of the type, at that item.

    Raises:
        PipelineError: the typecode does not exist.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 3]).pipe(rs.data.to_array("d")).run()
    array('d', [1.0, 2.0, 3.0])
    """
    try:
        array(typecode)
    except (TypeError, ValueError) as error:
        raise PipelineError(f"to_array: {error}") from error
    return operator(ToArray(typecode))


@dataclass(frozen=True, eq=False)
class ToArray(Collect):
    """The node of `to_array`. It keeps a list, which checkpoints support, of elements that the array has accepted."""

    name: ClassVar[str] = "to_array"
    typecode: str

    def write_value(self, code: Code, item: str) -> str:
        return code.let("element", f"{code.constant(array, 'array')}({self.typecode!r}, ({item},))[0]")

    def rhythm(self, before: Rhythm) -> Rhythm | None:
        return LAST

    def write_end(self, code: Code, kept: str, then: Stage) -> None:
        then.call(code, f"{code.constant(array, 'array')}({self.typecode!r}, {kept})")


def to_deque(extend: bool = False) -> Transform:
    """Buffer the items and emit them when the stream or its window completes.

    ```
    --1--2--3--|
      to_deque()
    -----------1-2-3|
    ```

    Args:
        extend: take each item as an iterable, and emit its elements.

    *Emits* the items, or their elements, in order, at completion. *State* all items of the stream or window.
    *Raises*, with `extend`, `TypeError` for an item that is not iterable.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([[1, 2], [3]]).pipe(rs.data.to_deque(extend=True)).subscribe(print).dispose()
    1
    2
    3
    """
    return operator(ToDeque(extend))


@dataclass(frozen=True, eq=False)
class ToDeque(Collect):
    """The node of `to_deque`."""

    name: ClassVar[str] = "to_deque"
    fans_out: ClassVar[bool] = True  # all at once, at the item that completes a window
    extend: bool

    def write_value(self, code: Code, item: str) -> str:
        return code.let("elements", f"tuple({item})") if self.extend else item

    def write_end(self, code: Code, kept: str, then: Stage) -> None:
        items = code.name("item")
        if self.extend:
            with code.block(f"for elements in {kept}:"), code.block(f"for {items} in elements:"):
                then.call(code, items)
        else:
            with code.block(f"for {items} in {kept}:"):
                then.call(code, items)
