"""The operator that makes rows of CSV lines."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, ClassVar

from makiserve.errors import DecodeError
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage

if TYPE_CHECKING:
    from makiserve.stream.container.csv.parser import Parser


@dataclass(frozen=True, eq=False)
class Load(Operator):
    """The node of `csv.load`, and of a parser that is used as an operator itself.

    Attributes:
        emits_ignored: whether a line that the parser ignores is emitted as None, as RxSci's parsers do.
    """

    name: ClassVar[str] = "csv_load"
    parse_line: Parser
    skip: int
    header: bool
    emits_ignored: bool = False

    @property
    def stateless(self) -> bool:  # type: ignore[override]  # known only with the parameters
        return not (self.header or self.skip)

    def build(self, then: Stage, scope: Scope) -> Part:
        header, skipped = scope.value(None) if self.header else 0, scope.value(0) if self.skip else 0
        scope.writes_late(then)

        def push(code: Code, item: str) -> None:
            state = code.state(scope)
            if self.header:
                with code.block(f"if {state}[{header}] is None:"):
                    code.line(f"{state}[{header}] = {code.constant(self._cells, 'cells')}({item})")
            if self.skip:
                with code.block(f"{'elif' if self.header else 'if'} {state}[{skipped}] < {self.skip}:"):
                    code.line(f"{state}[{skipped}] += 1")
            with nullcontext() if self.stateless else code.block("else:"):
                row = code.let("row", self._write_parse(code, f"{state}[{header}]", item))
                with nullcontext() if self.emits_ignored else code.block(f"if {row} is not None:"):
                    then.push(code, row)

        return Part(push, then.complete)

    def _write_parse(self, code: Code, header: str, item: str) -> str:
        if self.parse_line.has_columns:
            return f"{code.constant(self.parse_line, 'parse_line')}({item})"
        return f"{code.constant(cache(self.parse_line.below), 'below')}({header})({item})"

    def _cells(self, line: str) -> tuple[str, ...]:
        cells = self.parse_line.dialect.split(line)
        if cells is None:
            raise DecodeError("a quote in the header is not closed")
        return tuple(cells)
