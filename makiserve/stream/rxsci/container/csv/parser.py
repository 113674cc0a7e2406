"""The parser of CSV lines: it makes a named tuple of each line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from makiserve.errors import DecodeError, PipelineError
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator, Traits
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import operator
from makiserve.stream.reactive import is_observable, rx
from makiserve.stream.rxsci.container.csv.columns import CONVERTERS, Columns, Row, declared, from_header
from makiserve.stream.rxsci.container.csv.dialect import Dialect


@dataclass(frozen=True, eq=False)
class LoadCsv(Operator):
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
    def traits(self) -> Traits:
        return Traits(stateless=not (self.header or self.skip))

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
            with nullcontext() if self.traits.stateless else code.block("else:"):
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


class Parser:
    """The parser that `create_line_parser` returns.

    Called with a line, it returns the line's named tuple, or None if the line does not fit and errors are ignored.
    Called with an Observable of lines, it is an operator, as in RxSci: the first line is a header, and each later one
    becomes its named tuple, or None.

    Attributes:
        dialect: the format of cells in a line.
        ignore_error: whether a line that does not fit is left out.
        has_columns: whether the columns are known; otherwise they come from a header.
        types: the types of its rows, which a checkpoint may hold, if the columns are known.
    """

    def __init__(
        self,
        dialect: Dialect,
        columns: tuple[Row, Columns] | None,
        none_values: frozenset[str],
        ignore_error: bool,
        schema_name: str,
    ) -> None:
        self.dialect = dialect
        self.ignore_error = ignore_error
        self.has_columns = columns is not None
        self._none_values = none_values
        self._schema_name = schema_name
        self.types = (columns[0],) if columns is not None else ()
        if columns is not None:
            self._row, kinds = columns
            self._columns = [(name, kind, CONVERTERS[kind]) for name, kind in kinds.items()]

    def below(self, header: Sequence[str]) -> Parser:
        """Return the parser for the lines below a header: this one, if its columns are declared."""
        if self.has_columns:
            return self
        columns = from_header(header, self._schema_name)
        return Parser(self.dialect, columns, self._none_values, self.ignore_error, self._schema_name)

    def __call__(self, line: str | rx.Observable) -> Any:
        if is_observable(line):
            return operator(LoadCsv(self, skip=0, header=True, emits_ignored=True))(line)
        return self.row(self.dialect.split(line))

    def row(self, cells: Sequence[str] | None) -> Any:
        """Return the named tuple of a line's cells; None if they do not fit and errors are ignored.

        Args:
            cells: the cells of a line, as the dialect splits it; None for a line in which a quote is open.

        Raises:
            DecodeError: they do not fit.
            PipelineError: the columns are not known before a header.
        """
        if not self.has_columns:
            raise PipelineError("this parser takes its columns from a header, but there is none: declare a dtype")
        try:
            return self._typed(cells)
        except DecodeError:
            if self.ignore_error:
                return None
            raise

    def _typed(self, cells: Sequence[str] | None) -> Any:
        if cells is None:
            raise DecodeError("a quote is not closed")
        if len(cells) != len(self._columns):
            raise DecodeError(f"{len(cells)} cells, but {len(self._columns)} columns are declared")
        values: list[Any] = []
        for (name, kind, convert), cell in zip(self._columns, cells, strict=True):
            if cell in self._none_values or not (cell or kind == "str"):
                values.append(None)
                continue
            try:
                values.append(convert(cell))
            except (ValueError, OverflowError, OSError) as error:  # the latter two: a time out of range
                message = f"column {name}: expected {kind}, got {cell[:40]!r}"
                raise DecodeError(message, field=name, expected=kind, value=cell[:40]) from error
        return self._row(*values)


def create_line_parser(
    dtype: Sequence[tuple[str, Any]] | type[tuple[Any, ...]] | None = None,
    none_values: Iterable[str] = (),
    separator: str = ",",
    escapechar: str | None = "\\",
    doublequote: bool = False,
    ignore_error: bool = False,
    schema_name: str = "x",
) -> Parser:
    r"""Return a parser that makes a named tuple of each line.

    The parser is a function of a line. It is also an operator, for a stream of lines whose first one is a header.

    The types are int, float, str and bool, as a class or its name, and "posix_timestamp" (seconds) and "iso_datetime",
    which give a datetime. They accept what Python's own functions accept, so that a float is exact and keeps its sign
    (RxSci reads -11.45 as -10.55). A bool is true or false, in upper or lower case (RxSci reads anything but "True" as
    False). An empty cell is None; for a str, an empty text.

    Args:
        dtype: all columns, in order, as `(name, type)`; or a NamedTuple class with its annotations. None takes the
            names from the header, all of type str.
        none_values: texts that mean None.
        separator: the text between cells.
        escapechar: the character in front of a quote inside quotes.
        doublequote: inside quotes, two quotes mean one (RFC 4180), and escapechar has no meaning.
        ignore_error: leave out lines that do not fit; otherwise such a line ends the stream with its error, and in a
            lane becomes a dead letter. (RxSci's documentation has it the other way round.)
        schema_name: the name of the tuple's class, if it is made here.

    Raises:
        PipelineError: a type is unknown.

    >>> import makiserve.stream as rs
    >>> columns = [("time", int), ("temperature", "float"), ("summary", str)]
    >>> parse = rs.container.csv.create_line_parser(dtype=columns)
    >>> parse('3,-11.45,"light snow, drizzle"')
    x(time=3, temperature=-11.45, summary='light snow, drizzle')
    >>> import rx
    >>> rx.from_(["time,temperature,summary", "3,-11.45,dry"]).pipe(parse).subscribe(print).dispose()
    x(time=3, temperature=-11.45, summary='dry')
    """
    columns = None if dtype is None else declared(dtype, schema_name)
    dialect = Dialect(separator, escapechar, doublequote)
    return Parser(dialect, columns, frozenset(none_values), ignore_error, schema_name)


def checked_parser(operator: str, parse_line: Parser | None) -> Parser:
    """Return the parser that an operator was given; for None, one that takes its columns from the header.

    Raises:
        PipelineError: it is not a parser.
    """
    if parse_line is None:
        return create_line_parser()
    if not isinstance(parse_line, Parser):
        raise PipelineError(f"{operator}: parse_line must come from create_line_parser(…), not {parse_line!r:.80}")
    return parse_line
