"""Compressors and decompressors: machines that take bytes, give bytes, and hide what they remember.

What is hidden in a library can be neither saved nor taken back when a record fails, so that no lane may contain one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from makiserve.errors import DecodeError
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.ops.observable import subscribed_only


class Machine(Protocol):
    """One stream of bytes that is turned into another."""

    def feed(self, data: bytes) -> bytes:
        """What comes out for the next bytes; often nothing yet."""

    def finish(self) -> bytes:
        """What comes out at the end."""


def through(machine: Machine, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """What a machine makes of all the chunks of a file."""
    for chunk in chunks:
        yield machine.feed(chunk)
    yield machine.finish()


class Compressor:
    """A machine around a `compressobj`."""

    def __init__(self, compressobj: Any) -> None:
        self.feed: Callable[[bytes], bytes] = compressobj.compress
        self.finish: Callable[[], bytes] = compressobj.flush


class Decompressor:
    """A machine around `decompressobj`s: one for each of the members that a file may consist of.

    Args:
        make: makes a `decompressobj`.
        failure: what it raises for bytes that are not what it takes.
    """

    def __init__(self, make: Callable[[], Any], failure: type[Exception]) -> None:
        self._make = make
        self._failure = failure
        self._member = make()
        self._is_whole = False

    def feed(self, data: bytes) -> bytes:
        """What comes out for the next bytes.

        Raises:
            DecodeError: they are damaged.
        """
        parts = []
        while data:
            if self._is_whole:
                self._member = self._make()
            try:
                parts.append(self._member.decompress(data))
            except self._failure as error:
                raise DecodeError(f"the compressed bytes are damaged: {error}") from error
            self._is_whole = self._member.eof
            data = self._member.unused_data if self._is_whole else b""
        return b"".join(parts)

    def finish(self) -> bytes:
        """Nothing more.

        Raises:
            DecodeError: the bytes end too early.
        """
        if not self._is_whole:
            raise DecodeError("the compressed bytes end too early: the file or stream is truncated")
        return b""


@dataclass(frozen=True, eq=False)
class Running(Operator):
    """A machine on an Observable."""

    one_to_one: ClassVar[bool] = True
    make: Callable[[], Machine]

    def build(self, then: Stage, scope: Scope) -> Part:
        slot = scope.container(self.make)

        def push(code: Code, item: str) -> None:
            then.push(code, code.let("data", f"{code.state(scope)}[{slot}].feed({item})"))

        def complete(code: Code) -> None:
            then.call(code, f"{code.state(scope)}[{slot}].finish()")
            then.complete(code)

        return Part(push, complete)


def running(node: Running, name: str, record_function: str) -> Transform:
    """The operator of a node, refused where it would be part of a lane.

    Args:
        node: the operator.
        name: as the user writes it.
        record_function: what to map a lane's records with, for the message.

    Raises:
        PipelineError: when it is applied in a pipeline that is traced.
    """
    reason = "what it remembers can be neither saved nor taken back when a record fails; "
    return subscribed_only(name, f"{reason}treat each record by itself, ops.map({record_function})", operator(node))
