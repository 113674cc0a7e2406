"""How cells stand in a line: what separates them, and what quotes mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from makiserve.errors import PipelineError


class Dialect:
    """A way to write CSV.

    A cell is quoted if a quote begins it and another, in front of a separator or the line's end, ends it; quotes
    anywhere else are characters like others.

    Args:
        separator: what stands between cells.
        escapechar: inside quotes, takes its meaning from a quote or from itself; empty or None for none.
        doublequote: inside quotes, two quotes stand for one (RFC 4180), and escapechar is a character like others.
    """

    def __init__(self, separator: str, escapechar: str | None, doublequote: bool) -> None:
        if not separator:
            raise PipelineError("a CSV separator is at least one character")
        self.separator = separator
        self.escapechar = "" if doublequote else escapechar or ""
        self.doublequote = doublequote
        escape, end = re.escape(self.escapechar), rf"(?={re.escape(separator)}|\Z)"
        plain = rf'[^"{escape}]' if escape else '[^"]'
        special = '""' if doublequote else rf"{escape}." if escape else r"(?!)"
        inside = rf"(?:{plain}|{special})*" if doublequote else rf"(?:{special}|{plain}|\")*?"
        self._cell = re.compile(rf'"({inside})"{end}|("(?:{special}|{plain})*\Z)|(.*?){end}', re.DOTALL)
        self._escaped = re.compile('"(")' if doublequote else rf'{escape}([{escape}"])' if escape else "(?!)()")

    def split(self, line: str) -> list[str] | None:
        """The cells of a line, without its end; None if a quote in it is still open."""
        return self._split_quoted(line) if '"' in line else line.split(self.separator)

    def join(self, values: Iterable[Any]) -> str:
        """The line of a row: nothing for None, numbers as Python writes them, anything else as text in quotes."""
        return self.separator.join(map(self._text, values))

    def _split_quoted(self, line: str) -> list[str] | None:
        cells: list[str] = []
        for quoted, is_open, bare in self._matches(line):
            if is_open is not None:
                return None
            cells.append(bare if quoted is None else self._escaped.sub(r"\1", quoted))
        return cells

    def _matches(self, line: str) -> Iterator[tuple[Any, ...]]:
        begin, step = 0, len(self.separator)
        while begin <= len(line):
            match = self._cell.match(line, begin)
            assert match is not None  # noqa: S101  the last way to read a cell takes anything
            yield match.groups()
            begin = match.end() + step

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
