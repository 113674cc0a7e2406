"""The parser that makes a row of a CSV line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from makiserve.errors import DecodeError, PipelineError
from makiserve.stream.container.csv.columns import CONVERTERS, Columns, Row, from_header
from makiserve.stream.container.csv.dialect import Dialect
from makiserve.stream.container.csv.rows import Load
from makiserve.stream.engine.trace import operator
from makiserve.stream.reactive import is_observable, rx


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
            return operator(Load(self, skip=0, header=True, emits_ignored=True))(line)
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
