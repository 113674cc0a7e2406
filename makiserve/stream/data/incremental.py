"""Encoding and decoding text piece by piece."""

from __future__ import annotations

import codecs
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from makiserve.errors import PipelineError
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator, Traits
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage

Step = Callable[[Any, Any, bool], tuple[Any, Any]]
"""State, piece, and whether the piece is the last → converted piece and next state."""


@dataclass(frozen=True, eq=False)
class Incremental(Operator):
    """Converts pieces with one of Python's codecs, whose state between two pieces is kept as a plain value."""

    traits = Traits(one_to_one=True, writes_late=True)
    encoding: str

    @abstractmethod
    def codec(self) -> tuple[Any, Callable[[Any, bool], Any], Any]:
        """Return the codec object, its conversion function and an empty piece."""

    def build(self, then: Stage, scope: Scope) -> Part:
        codec, convert, empty = self.codec()

        def step(state: Any, piece: Any, final: bool) -> tuple[Any, Any]:
            codec.setstate(state)
            return convert(piece, final), codec.getstate()

        slot = scope.value(codec.getstate())
        scope.writes_late(then)

        def push(code: Code, item: str) -> None:
            place, piece, after = f"{code.state(scope)}[{slot}]", code.name("piece"), code.name("after")
            code.line(f"{piece}, {after} = {code.constant(step, 'step')}({place}, {item}, False)")
            code.later(f"{place} = {after}")
            then.push(code, piece)

        def complete(code: Code) -> None:
            then.call(code, f"{code.constant(step, 'step')}({code.state(scope)}[{slot}], {empty!r}, True)[0]")
            then.complete(code)

        return Part(push, complete)


def check_encoding(encoding: str) -> None:
    """Raise if Python does not know the encoding.

    Raises:
        PipelineError: the encoding is unknown.
    """
    try:
        codecs.lookup(encoding)
    except LookupError as error:
        raise PipelineError(f"{error}: see the standard encodings of Python's codecs module") from error
