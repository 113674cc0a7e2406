"""The format of cells in a line: what separates them, and what quotes mean."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from typing import Any

from makiserve.errors import PipelineError


class Dialect:
    """A dialect of CSV.

    A cell is quoted if a quote begins it and another, in front of a separator or the line's end, ends it; quotes
    anywhere else are ordinary characters. The time to parse a line grows only with its length.

    Args:
        separator: the text between cells.
        escapechar: inside quotes, makes a quote or itself an ordinary character; empty or None for none.
        doublequote: inside quotes, two quotes mean one (RFC 4180), and escapechar is an ordinary character.
    """

    def __init__(self, separator: str, escapechar: str | None, doublequote: bool) -> None:
        if not separator:
            raise PipelineError("a CSV separator must have at least one character")
        self.separator = separator
        self.escapechar = "" if doublequote else escapechar or ""
        self.doublequote = doublequote
        escape, end = re.escape(self.escapechar), re.escape(separator)
        plain, special = f'[^"{escape}]', '""' if doublequote else f"{escape}." if escape else "(?!)"
        bare = f"[^{end}]*" if len(separator) == 1 else f"(?:(?!{end}).)*"
        # a cell in quotes; one whose quotes are open to the end; one with stray quotes inside its quotes; any other
        inside = f"(?:{plain}|{special})*"
        cells = rf'"({inside})"{end}|("{inside})\Z|"({bare})"{end}|({bare}){end}'
        self._cells = re.compile(cells, re.DOTALL)
        self._mark = '"' if doublequote else self.escapechar or "\n"
        self._escaped = re.compile('"(")' if doublequote else f'{escape}([{escape}"])' if escape else "(?!)()")

    def split(self, line: str) -> list[str] | None:
        """Return the cells of a line, without its end; None if a quote in it is still open.

        Raises:
            TypeError: the line is not text.
        """
        if not isinstance(line, str):
            raise TypeError(f"a CSV parser takes a line of text, not {type(line).__name__}: decode bytes to str first")
        return self._split_quoted(line) if '"' in line else line.split(self.separator)

    def join(self, values: Iterable[Any]) -> str:
        """Return the line of a row: nothing for None, a number as Python writes it, anything else as text in quotes."""
        return self.separator.join(map(self._text, values))

    def _split_quoted(self, line: str) -> list[str] | None:
        matches = self._cells.findall(line + self.separator)
        if matches[-1][1]:
            return None
        mark, without = self._mark, partial(self._escaped.sub, r"\1")
        quoted = [(strict or stray, bare) for strict, _, stray, bare in matches]
        return [(without(cell) if mark in cell else cell) or bare for cell, bare in quoted]

    def _text(self, value: Any) -> str:
        if value is None:
            return ""
        if type(value) in (int, float, bool):
            return str(value)
        text = str(value)
        if self.doublequote:
            text = text.replace('"', '""')
        elif self.escapechar:
            text = text.replace(self.escapechar, self.escapechar * 2).replace('"', f'{self.escapechar}"')
        elif '"' in text:
            raise ValueError("a text with a quote cannot be written without escapechar or doublequote")
        return f'"{text}"'
