"""CSV files as streams of named tuples, with RxSci's names: for notebooks and scripts.

A served or replayed file takes the typed path of `makiserve.schema` instead.
"""

from __future__ import annotations

import csv
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Any, get_type_hints

import rx
from rx.disposable import Disposable

from makiserve.errors import DecodeError, PipelineError

LineParser = Callable[[Sequence[str] | None], Any]
Columns = Sequence[tuple[str, str]]


def create_line_parser(
    dtype: Columns | type[tuple[Any, ...]] | None = None,
    none_values: Iterable[str] = (),
    separator: str = ",",
    ignore_error: bool = False,
    schema_name: str = "x",
) -> Parser:
    """A parser that makes a named tuple of each row.

    Args:
        dtype: the columns as `(name, type)`, the type one of int, float, bool, str, posix_timestamp, iso_datetime; or a
            NamedTuple class with its annotations. None takes the names from the header, all of type str.
        none_values: texts that stand for None; an empty cell is None for int and float.
        separator: the character between cells.
        ignore_error: leave out rows that cannot be parsed, where otherwise the stream ends with their error.
        schema_name: the name of the tuple's class.

    Raises:
        PipelineError: a type is unknown.

    >>> parse = create_line_parser(dtype=[("time", "int"), ("temperature", "float")])
    >>> parse.row(["3", "-11.45"])
    x(time=3, temperature=-11.45)
    """
    if dtype is None:
        return Parser(None, (), frozenset(none_values), separator, ignore_error)
    row_type, names = _row_type(dtype, schema_name)
    unknown = [f"{name}: {kind}" for name, kind in names.items() if kind not in CONVERTERS]
    if unknown:
        raise PipelineError(f"create_line_parser: unknown type of {', '.join(unknown)}; known: {', '.join(CONVERTERS)}")
    columns = tuple((name, kind) for name, kind in names.items())
    return Parser(row_type, columns, frozenset(none_values), separator, ignore_error)


def _row_type(dtype: Columns | type[tuple[Any, ...]], name: str) -> tuple[Callable[..., Any], dict[str, str]]:
    if isinstance(dtype, type):
        return dtype, {name: kind.__name__ for name, kind in get_type_hints(dtype).items()}
    names = dict(dtype)
    return namedtuple(name, list(names)), names


class Parser:
    """What `create_line_parser` returns: the dialect of a file and the types of its columns."""

    def __init__(
        self,
        row_type: Callable[..., Any] | None,
        columns: tuple[tuple[str, str], ...],
        none_values: frozenset[str],
        separator: str,
        ignore_error: bool,
    ) -> None:
        self.row_type = row_type
        self.columns = columns
        self.none_values = none_values
        self.separator = separator
        self.ignore_error = ignore_error

    def with_header(self, header: Sequence[str]) -> Parser:
        """The parser to use for the rows below `header`: columns not declared are named by it."""
        if self.row_type is not None:
            return self
        names = [name.strip().replace(" ", "_") for name in header]
        row_type = namedtuple("x", names, rename=True)  # type: ignore[misc]  # known at run time
        columns = tuple((name, "str") for name in names)
        return Parser(row_type, columns, self.none_values, self.separator, self.ignore_error)

    def row(self, cells: Sequence[str], number: int = 0) -> Any:
        """The named tuple of one row.

        Raises:
            DecodeError: a cell is missing or cannot be converted.
        """
        if self.row_type is None:
            raise PipelineError("this parser takes its columns from a header: use with_header first")
        if len(cells) < len(self.columns):
            raise DecodeError(f"row {number}: {len(cells)} cells where {len(self.columns)} columns are declared")
        return self.row_type(
            *(self._cell(column, cell, number) for column, cell in zip(self.columns, cells, strict=False))
        )

    def _cell(self, column: tuple[str, str], cell: str, number: int) -> Any:
        name, kind = column
        if cell in self.none_values or (not cell and kind in ("int", "float")):
            return None
        try:
            return CONVERTERS[kind](cell)
        except ValueError as error:
            message = f"row {number}, column {name}: expected {kind}, got {cell[:40]!r}"
            raise DecodeError(message, field=name, expected=kind, value=cell[:40]) from error


def load_from_file(
    filename: str | Path,
    parse_line: Parser,
    skip: int = 0,
    encoding: str | None = "utf-8-sig",
    open_obj: Callable[..., IO[str]] = open,
) -> rx.Observable:
    """The rows of a CSV file. The first line that is not skipped is the header.

    Args:
        filename: the file; a byte order mark, CRLF and line breaks inside quotes are understood.
        parse_line: what `create_line_parser` returned.
        skip: lines to leave out before the header.
        encoding: the text encoding.
        open_obj: called as `open_obj(filename, mode, encoding=…, newline="")`; `gzip.open`, for instance.

    *Emits* one named tuple for each row. *Raises* `DecodeError`, as the stream's error, for a row that does not fit.
    """

    def subscribe(observer: Any, scheduler: Any = None) -> Disposable:
        try:
            with open_obj(filename, "rt", encoding=encoding, newline="") as lines:
                for row in _rows(lines, parse_line, skip):
                    observer.on_next(row)
        except (OSError, DecodeError, csv.Error, UnicodeDecodeError) as error:
            observer.on_error(error)
        else:
            observer.on_completed()
        return Disposable()

    return rx.create(subscribe)


def _rows(lines: IO[str], parser: Parser, skip: int) -> Iterator[Any]:
    for _ in range(skip):
        next(lines, None)
    reader = csv.reader(lines, delimiter=parser.separator)
    header = next(reader, None)
    if header is None:
        return
    parser = parser.with_header(header)
    for cells in reader:
        if not cells:
            continue
        try:
            row = parser.row(cells, reader.line_num + skip)
        except DecodeError:
            if parser.ignore_error:
                continue
            raise
        yield row


def _bool(cell: str) -> bool:
    if cell in ("True", "true"):
        return True
    if cell in ("False", "false"):
        return False
    raise ValueError(cell)


CONVERTERS: dict[str, Callable[[str], Any]] = {
    "int": int,
    "float": float,
    "bool": _bool,
    "str": str,
    "posix_timestamp": lambda cell: datetime.utcfromtimestamp(float(cell)),  # noqa: DTZ004  naive, as in RxSci
    "iso_datetime": datetime.fromisoformat,
}
