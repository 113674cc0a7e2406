"""CSV files: `container.csv.load`, lines as named tuples, and `load_from_file`, the rows of a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from makiserve.errors import DecodeError, PipelineError
from makiserve.stream.arguments import whole_number
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.reactive import rx
from makiserve.stream.rxsci.container.csv.dialect import Dialect
from makiserve.stream.rxsci.container.csv.parser import LoadCsv, Parser, checked_parser
from makiserve.stream.rxsci.io.opened import File, Open, opened
from makiserve.stream.rxsci.io.read import source


def load(parse_line: Parser | None = None, skip: int = 0, header: bool = True) -> Transform:
    """Make a named tuple of each line.

    ```
    --"a,b"--"1,2"--"3,4"--|
      load()
    ---------x(1,2)-x(3,4)-|
    ```

    Args:
        parse_line: a parser from `create_line_parser`; None takes names from the header, all of type str.
        skip: the number of lines to leave out, below the header.
        header: whether the first line is a header, not a row. A topic does not have a header: pass False there, or the
            first record of each partition is lost. (RxSci always expects a header, at each start.)

    *Emits* a named tuple for each line. *State* the header of a stream that has one, and the number of lines left
    out. *Raises* DecodeError for a line that does not fit, unless the parser ignores it.

    Raises:
        PipelineError: `parse_line` is not a parser, skip is not an integer of at least 0, or no header gives the names
            of the columns.

    >>> import rx, makiserve.stream as rs
    >>> parse_line = rs.container.csv.create_line_parser(dtype=[("time", int), ("temperature", float)])
    >>> rx.from_(["1,-11.45", "2,"]).pipe(rs.container.csv.load(parse_line, header=False)).subscribe(print).dispose()
    x(time=1, temperature=-11.45)
    x(time=2, temperature=None)
    """
    parser = checked_parser("csv.load", parse_line)
    if not (header or parser.has_columns):
        raise PipelineError("csv.load: without a header, declare the columns with create_line_parser(dtype=…)")
    return operator(LoadCsv(parser, whole_number(skip, "csv.load: skip", least=0), header))


def load_from_file(
    filename: File,
    parse_line: Parser | None = None,
    skip: int = 0,
    encoding: str | None = "utf-8-sig",
    open_obj: Open = open,
    header: bool = True,
) -> rx.Observable:
    r"""Emit the rows of a CSV file as named tuples.

    ```
      load_from_file("file.csv")
    --x(1,2)--x(3,4)--|
    ```

    A byte order mark, CRLF and line breaks inside quotes are supported; blank lines are left out.

    Args:
        filename: a path, or a file open for text, which is left open.
        parse_line: a parser from `create_line_parser`; None takes names from the header, all of type str.
        skip: the number of rows to leave out, below the header.
        encoding: the encoding of the text; None is UTF-8.
        open_obj: the function that opens the path: `gzip.open`, for instance.
        header: whether the first line is a header.

    *Emits* a named tuple for each row. *State* none: it is the source of a stream. *Raises*, as the stream's error,
    what opening and reading raise, and DecodeError for a row that does not fit, unless the parser ignores it, or for a
    quote that is not closed before the file's end.

    Raises:
        PipelineError: `parse_line` is not a parser, or skip is not an integer of at least 0.

    >>> import io, makiserve.stream as rs
    >>> file = io.StringIO('time,summary\n1,"light snow,\ndrizzle"\n2,dry\n')
    >>> rs.container.csv.load_from_file(file).subscribe(print).dispose()
    x(time='1', summary='light snow,\ndrizzle')
    x(time='2', summary='dry')
    """
    parser = checked_parser("csv.load_from_file", parse_line)
    skip = whole_number(skip, "csv.load_from_file: skip", least=0)

    def rows() -> Iterator[Any]:
        with opened(filename, "r", encoding, open_obj) as lines:
            yield from _rows(_split(lines, parser.dialect), parser, skip, header)

    return source(rows)


class Line(NamedTuple):
    """A line of a file; if quotes contain line breaks, its number is that of the first."""

    number: int
    cells: list[str]


def _rows(lines: Iterator[Line], parser: Parser, skip: int, header: bool) -> Iterator[Any]:
    if header:
        first = next(lines, None)
        parser = parser if first is None else parser.below(first.cells)
    for number, cells in islice(lines, skip, None):
        try:
            row = parser.row(cells)
        except DecodeError as error:
            message, details = f"line {number}, {error}", (error.field, error.expected, error.value)
            raise DecodeError(message, **dict(zip(("field", "expected", "value"), details, strict=True))) from error
        if row is not None:
            yield row


def _split(lines: Iterable[str], dialect: Dialect) -> Iterator[Line]:
    """Yield the lines that are not blank; a line with an open quote continues in the next."""
    held: list[str] = []
    begin = 0
    for number, ended in enumerate(lines, 1):
        line = ended.rstrip("\r\n")
        if not held:
            begin = number
            if not line:
                continue
        held.append(line)
        if len(held) > 1 and '"' not in line:
            continue  # a quote that is open stays open
        cells = dialect.split("\n".join(held))
        if cells is not None:
            held.clear()
            yield Line(begin, cells)
    if held:
        raise DecodeError(f"line {begin}: a quote is not closed before the end of the file")
