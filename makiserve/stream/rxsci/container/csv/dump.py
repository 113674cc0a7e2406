"""CSV files: `container.csv.dump`, named tuples as lines, and `dump_to_file`, a stream of rows into a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator, Traits
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.ops.observable import subscribed_only
from makiserve.stream.reactive import compose
from makiserve.stream.rxsci.container.csv.dialect import Dialect
from makiserve.stream.rxsci.io.opened import File, Open
from makiserve.stream.rxsci.io.write import CANNOT_BE_TAKEN_BACK, encoded, write


def dump(
    header: bool = True,
    separator: str = ",",
    escapechar: str | None = "\\",
    doublequote: bool = False,
    newline: str = "\n",
) -> Transform:
    r"""Make a line of CSV of each row.

    ```
    ---------x(1,2)-----x(3,4)--|
      dump()
    --a,b\n--1,2\n------3,4\n---|
    ```

    Args:
        header: put a line with the columns' names in front of the first row.
        separator: the text between cells.
        escapechar: the character in front of a quote, or of itself, inside quotes; None for none.
        doublequote: inside quotes, two quotes mean one (RFC 4180), and escapechar has no meaning.
        newline: the end of a line.

    *Emits* a text for each named tuple, or, without a header, for any iterable: None is an empty cell, a number is
    written as Python writes it, anything else as text in quotes. *State* whether the header has been written. *Raises*
    AttributeError for a first row without `_fields`, ValueError for a quote that cannot be written.

    >>> import rx, makiserve.stream as rs
    >>> parse_line = rs.container.csv.create_line_parser(dtype=[("time", int), ("summary", str)])
    >>> rows = rx.from_(["3,dry"]).pipe(rs.container.csv.load(parse_line, header=False))
    >>> rows.pipe(rs.container.csv.dump()).subscribe(lambda line: print(repr(line))).dispose()
    'time,summary\n'
    '3,"dry"\n'
    """
    return operator(DumpCsv(Dialect(separator, escapechar, doublequote), header, newline))


@dataclass(frozen=True, eq=False)
class DumpCsv(Operator):
    """The node of `csv.dump`."""

    name: ClassVar[str] = "csv_dump"
    dialect: Dialect
    header: bool
    newline: str

    @property
    def traits(self) -> Traits:
        return Traits(stateless=not self.header, one_to_one=not self.header)

    @property
    def fans_out(self) -> bool:
        return self.header

    def build(self, then: Stage, scope: Scope) -> Part:
        def push(code: Code, item: str) -> None:
            then.push(code, code.let("line", f"{code.constant(self._line, 'line')}({item})"))

        if not self.header:
            return Part(push, then.complete)
        written = scope.value(first=False)
        scope.writes(then)

        def push_below_header(code: Code, item: str) -> None:
            state = code.state(scope)
            line = code.let("line", f"{code.constant(self._line, 'line')}({item})")
            with code.block(f"if not {state}[{written}]:"):
                titles = code.let("titles", f"{code.constant(self._titles, 'titles')}({item})")
                code.line(f"{state}[{written}] = True")
                then.call(code, titles)
            then.push(code, line)

        return Part(push_below_header, then.complete)

    def _line(self, row: Any) -> str:
        return self.dialect.join(row) + self.newline

    def _titles(self, row: Any) -> str:
        return self.dialect.separator.join(row._fields) + self.newline


def dump_to_file(
    filename: File,
    header: bool = True,
    separator: str = ",",
    escapechar: str | None = "\\",
    doublequote: bool = False,
    newline: str = "\n",
    encoding: str | None = None,
    open_obj: Open = open,
) -> Transform:
    r"""Write each row to a CSV file.

    ```
    --x(1,2)--x(3,4)--|
      dump_to_file("file.csv")
    ------------------|
    ```

    Args:
        filename: a path, or an open file, which is left open.
        header: as for `dump`.
        separator: as for `dump`.
        escapechar: as for `dump`.
        doublequote: as for `dump`.
        newline: as for `dump`.
        encoding: write bytes in this encoding. None writes text, to a path in UTF-8 (RxSci fails there).
        open_obj: the function that opens the path: `gzip.open`, for instance.

    *Emits* nothing; completes when the file is closed. *State* an open file: it does not run in a lane. *Raises*, as
    the stream's error, what `dump`, opening and writing raise.

    Raises:
        PipelineError: it is applied in a traced pipeline.

    >>> import io, rx, makiserve.stream as rs
    >>> file = io.StringIO()
    >>> rows = rx.from_([(1, None), (2, "dry")])
    >>> rows.pipe(rs.container.csv.dump_to_file(file, header=False)).subscribe().dispose()
    >>> file.getvalue()
    '1,\n2,"dry"\n'
    """
    lines = dump(header, separator, escapechar, doublequote, newline)
    if encoding is None:
        steps = compose(lines, write(filename, "w", open_obj=open_obj))
    else:
        steps = compose(lines, encoded(encoding), write(filename, "wb", open_obj=open_obj))
    return subscribed_only("csv.dump_to_file", CANNOT_BE_TAKEN_BACK, steps)
