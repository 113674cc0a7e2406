"""`container.csv.create_line_parser`: parse the lines of a CSV file as named tuples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from makiserve.errors import PipelineError
from makiserve.stream.container.csv.columns import declared
from makiserve.stream.container.csv.dialect import Dialect
from makiserve.stream.container.csv.parser import Parser


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
