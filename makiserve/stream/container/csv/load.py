"""`container.csv.load`: lines of CSV as named tuples."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from makiserve.errors import DecodeError, PipelineError
from makiserve.stream.container.csv.create_line_parser import create_line_parser
from makiserve.stream.container.csv.parser import Parser
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform, operator


def load(parse_line: Parser | None = None, skip: int = 0, header: bool = True) -> Transform:
    """Makes a named tuple of each line.

    ```
    --"a,b"--"1,2"--"3,4"--|
      load()
    ---------x(1,2)-x(3,4)-|
    ```

    Args:
        parse_line: what `create_line_parser` returned; None takes names from the header, all of type str.
        skip: lines to leave out, below the header.
        header: the first line is a header, which is no row. A topic has none: say False there, or the first record
            of each partition is lost, as with RxSci, which knows headers only, at each start.

    *Emits* a named tuple for each line. *State* the header of a stream that has one, and how many lines have been left
    out. *Raises* DecodeError for a line that does not fit, unless the parser ignores it.

    Raises:
        PipelineError: no header is there to take the columns' names from.

    >>> import rx, makiserve.stream as rs
    >>> parse_line = rs.container.csv.create_line_parser(dtype=[("time", int), ("temperature", float)])
    >>> rx.from_(["1,-11.45", "2,"]).pipe(rs.container.csv.load(parse_line, header=False)).subscribe(print).dispose()
    x(time=1, temperature=-11.45)
    x(time=2, temperature=None)
    """
    parser = parse_line or create_line_parser()
    if not (header or parser.has_columns):
        raise PipelineError("csv.load: without a header, the columns are declared by create_line_parser(dtype=…)")
    return operator(Load(parser, skip, header))


@dataclass(frozen=True, eq=False)
class Load(Operator):
    """The node of `csv.load`."""

    name: ClassVar[str] = "csv_load"
    parse_line: Parser
    skip: int
    header: bool

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
                with code.block(f"if {row} is not None:"):
                    then.push(code, row)

        return Part(push, then.complete)

    def _write_parse(self, code: Code, header: str, item: str) -> str:
        if self.parse_line.has_columns:
            return f"{code.constant(self.parse_line, 'parse_line')}({item})"
        return f"{code.constant(cache(self.parse_line.below), 'below')}({header})({item})"

    def _cells(self, line: str) -> tuple[str, ...]:
        cells = self.parse_line.dialect.split(line)
        if cells is None:
            raise DecodeError("a quote that is opened in the header is not closed")
        return tuple(cells)
