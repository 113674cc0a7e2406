"""Compressors and decompressors: machines that take bytes, return bytes, and hide their state.

State that is hidden in a library can be neither saved nor rolled back when a record fails, so a lane must not contain
one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from makiserve.errors import DecodeError
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator, Traits
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.ops.observable import subscribed_only


class Machine(Protocol):
    """A conversion of one stream of bytes into another."""

    def feed(self, data: bytes) -> bytes:
        """Return the output for the next bytes; it is often empty."""

    def finish(self) -> bytes:
        """Return the output at the end."""


def through(machine: Machine, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the output of a machine for all chunks of a file."""
    for chunk in chunks:
        yield machine.feed(chunk)
    yield machine.finish()


class Compressor:
    """A machine around a `compressobj`."""

    def __init__(self, compressobj: Any) -> None:
        self.feed: Callable[[bytes], bytes] = compressobj.compress
        self.finish: Callable[[], bytes] = compressobj.flush


class Decompressor:
    """A machine around `decompressobj`s, one for each member of a file.

    Args:
        make: creates a `decompressobj`.
        failure: the exception that it raises for invalid bytes.
    """

    def __init__(self, make: Callable[[], Any], failure: type[Exception]) -> None:
        self._make = make
        self._failure = failure
        self._member = make()
        self._is_whole = False

    def feed(self, data: bytes) -> bytes:
        """Return the output for the next bytes.

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
        """Return no bytes; raise if the file is incomplete.

        Raises:
            DecodeError: the bytes end too early.
        """
        if not self._is_whole:
            raise DecodeError("the compressed bytes end too early: the file or stream is truncated")
        return b""


@dataclass(frozen=True, eq=False)
class MachineOperator(Operator):
    """An operator that runs a machine on an Observable."""

    traits = Traits(one_to_one=True)
    make: Callable[[], Machine]

    def build(self, then: Stage, scope: Scope) -> Part:
        slot = scope.container(self.make)

        def push(code: Code, item: str) -> None:
            then.push(code, code.let("data", f"{code.state(scope)}[{slot}].feed({item})"))

        def complete(code: Code) -> None:
            then.call(code, f"{code.state(scope)}[{slot}].finish()")
            then.complete(code)

        return Part(push, complete)


def running(node: MachineOperator, name: str, record_function: str) -> Transform:
    """Return the operator of a node, which cannot be used in a lane.

    Args:
        node: the operator.
        name: its name in the user's pipeline.
        record_function: the function to map a lane's records with instead, for the message.

    Raises:
        PipelineError: it is applied in a traced pipeline.
    """
    reason = "its state can be neither saved nor undone when a record fails; "
    return subscribed_only(name, f"{reason}treat each record separately, ops.map({record_function})", operator(node))
