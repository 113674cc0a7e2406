"""`container.csv.load`: lines of CSV as named tuples."""

from __future__ import annotations

from makiserve.errors import PipelineError
from makiserve.stream.arguments import whole_number
from makiserve.stream.container.csv.create_line_parser import checked_parser
from makiserve.stream.container.csv.parser import Parser
from makiserve.stream.container.csv.rows import Load
from makiserve.stream.engine.trace import Transform, operator


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
    return operator(Load(parser, whole_number(skip, "csv.load: skip", least=0), header))
