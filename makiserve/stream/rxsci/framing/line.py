"""`framing.line`: text items as lines of one text, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.ops.map import Map

__all__ = ["frame", "unframe"]


def frame() -> Transform:
    r"""Make a line of each text.

    ```
    --a----b----|
      frame()
    --a\n--b\n--|
    ```

    *Emits* the text with "\n" at its end. *State* none.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_(["a", "b"]).pipe(rs.framing.line.frame()).subscribe(lambda line: print(repr(line))).dispose()
    'a\n'
    'b\n'
    """
    return operator(FrameLine(_framed))


def unframe() -> Transform:
    r"""Split a text, which comes in pieces of any size, into its lines.

    ```
    --a\nb--c\r\n--d--|
      unframe()
    --a-----bc-------d|
    ```

    *Emits* each line without its end, "\n" or "\r\n" (RxSci leaves the "\r" in the line); at completion the text
    after the last end, if there is any. *State* the text since the last end: at most one line.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_(["a\nb", "c\r\n", "d"]).pipe(rs.framing.line.unframe()).subscribe(print).dispose()
    a
    bc
    d
    """
    return operator(UnframeLines())


@dataclass(frozen=True, eq=False)
class FrameLine(Map):
    """The node of `line.frame`."""

    name: ClassVar[str] = "line_frame"


@dataclass(frozen=True, eq=False)
class UnframeLines(Operator):
    """The node of `line.unframe`."""

    name: ClassVar[str] = "line_unframe"

    @property
    def fans_out(self) -> bool:
        return True

    def build(self, then: Stage, scope: Scope) -> Part:
        slot = scope.value("")
        scope.writes(then)

        def push(code: Code, item: str) -> None:
            state, line = code.state(scope), code.name("line")
            lines = code.let("lines", f"{code.constant(_split, 'split')}({state}[{slot}], {item})")
            code.line(f"{state}[{slot}] = {lines}.pop()")
            with code.block(f"for {line} in {lines}:"):
                then.push(code, line)

        def complete(code: Code) -> None:
            rest = code.let("rest", f"{code.state(scope)}[{slot}]")
            with code.block(f"if {rest}:"):
                then.call(code, f"{rest}.removesuffix('\\r')")
            then.complete(code)

        return Part(push, complete)


def _framed(text: str) -> str:
    return f"{text}\n"


def _split(rest: str, text: str) -> list[str]:
    """Return the lines that `text` completes, and the new rest."""
    lines = (rest + text).split("\n")
    if "\r" in rest or "\r" in text:
        lines[:-1] = [line.removesuffix("\r") for line in lines[:-1]]
    return lines
