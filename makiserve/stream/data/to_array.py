"""`data.to_array`: all items, as one typed array."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import ClassVar

from makiserve.errors import PipelineError
from makiserve.stream.data.collect import Collect
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import LAST, Rhythm
from makiserve.stream.engine.stage import Stage
from makiserve.stream.engine.trace import Transform, operator


def to_array(typecode: str) -> Transform:
    """Collects the items into an `array.array`.

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
        PipelineError: there is no such typecode.

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
    """The node of `to_array`. It keeps a list, which checkpoints know, of elements that the array has accepted."""

    name: ClassVar[str] = "to_array"
    typecode: str

    def write_value(self, code: Code, item: str) -> str:
        return code.let("element", f"{code.constant(array, 'array')}({self.typecode!r}, ({item},))[0]")

    def rhythm(self, before: Rhythm) -> Rhythm | None:
        return LAST

    def write_end(self, code: Code, kept: str, then: Stage) -> None:
        then.call(code, f"{code.constant(array, 'array')}({self.typecode!r}, {kept})")
