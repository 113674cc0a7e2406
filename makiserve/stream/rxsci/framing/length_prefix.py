"""`framing.length_prefix`: byte items, each after its length, and back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

from makiserve.errors import DecodeError, PipelineError
from makiserve.stream.arguments import whole_number
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.ops.map import Map

__all__ = ["frame", "unframe"]

Order = Literal["little", "big"]


def frame(prefix_size: int = 4, byteorder: Order = "little") -> Transform:
    r"""Put its length in front of each item.

    ```
    --ab--------c-------|
      frame(prefix_size=1)
    --\x02ab----\x01c---|
    ```

    Args:
        prefix_size: the size of the length in bytes, at least 1.
        byteorder: the byte order of the length, "little" or "big".

    *Emits* bytes. *State* none. *Raises* ValueError for an item whose length does not fit the prefix.

    Raises:
        PipelineError: a parameter is invalid.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([b"ab", b"c"]).pipe(rs.framing.length_prefix.frame(prefix_size=2)).subscribe(print).dispose()
    b'\x02\x00ab'
    b'\x01\x00c'
    """
    _check(prefix_size, byteorder)
    return operator(FrameLengthPrefix(partial(_framed, prefix_size, byteorder), prefix_size, byteorder))


def unframe(prefix_size: int = 4, byteorder: Order = "little") -> Transform:
    r"""Split bytes, which come in pieces of any size, into the items that `frame` joined.

    ```
    --\x02a-----b\x01c--|
      unframe(prefix_size=1)
    ------------ab-c----|
    ```

    Args:
        prefix_size: the size of the length in bytes, at least 1.
        byteorder: the byte order of the length, "little" or "big".

    *Emits* each item as bytes. *State* the bytes since the last whole item: at most one item. *Raises*, at completion,
    DecodeError if the stream ends inside an item (RxSci drops the incomplete item).

    Raises:
        PipelineError: a parameter is invalid.

    >>> import rx, makiserve.stream as rs
    >>> unframe = rs.framing.length_prefix.unframe(prefix_size=1)
    >>> rx.from_([b"\x02a", b"b\x01c"]).pipe(unframe).subscribe(print).dispose()
    b'ab'
    b'c'
    """
    _check(prefix_size, byteorder)
    return operator(UnframeLengthPrefix(prefix_size, byteorder))


@dataclass(frozen=True, eq=False)
class FrameLengthPrefix(Map):
    """The node of `length_prefix.frame`."""

    name: ClassVar[str] = "length_prefix_frame"
    prefix_size: int
    byteorder: Order


@dataclass(frozen=True, eq=False)
class UnframeLengthPrefix(Operator):
    """The node of `length_prefix.unframe`."""

    name: ClassVar[str] = "length_prefix_unframe"
    prefix_size: int
    byteorder: Order

    @property
    def fans_out(self) -> bool:
        return True

    def build(self, then: Stage, scope: Scope) -> Part:
        split = partial(_split, self.prefix_size, self.byteorder)
        slot = scope.value(b"")
        scope.writes(then)

        def push(code: Code, item: str) -> None:
            state, data = code.state(scope), code.name("data")
            items = code.let("items", f"{code.constant(split, 'split')}({state}[{slot}], {item})")
            code.line(f"{state}[{slot}] = {items}.pop()")
            with code.block(f"for {data} in {items}:"):
                then.push(code, data)

        def complete(code: Code) -> None:
            code.line(f"{code.constant(_check_whole, 'check_whole')}({code.state(scope)}[{slot}])")
            then.complete(code)

        return Part(push, complete)


def _check(prefix_size: int, byteorder: str) -> None:
    whole_number(prefix_size, "length_prefix: prefix_size")
    if byteorder not in ("little", "big"):
        raise PipelineError(f"length_prefix: byteorder must be little or big, not {byteorder!r}")


def _framed(prefix_size: int, byteorder: Order, data: bytes) -> bytes:
    try:
        return len(data).to_bytes(prefix_size, byteorder) + data
    except OverflowError as error:
        raise ValueError(
            f"an item of {len(data)} bytes is too long for a length prefix of {prefix_size} bytes"
        ) from error


def _split(prefix_size: int, byteorder: Order, rest: bytes, data: bytes) -> list[bytes]:
    """Return the items that `data` completes, and the new rest."""
    data, items, begin = rest + data, [], prefix_size
    while begin <= len(data):
        end = begin + int.from_bytes(data[begin - prefix_size : begin], byteorder)
        if end > len(data):
            break
        items.append(data[begin:end])
        begin = end + prefix_size
    return [*items, data[begin - prefix_size :]]


def _check_whole(rest: bytes) -> None:
    if rest:
        raise DecodeError(
            f"length_prefix.unframe: the stream ends inside an item, {len(rest)} bytes after its beginning"
        )
