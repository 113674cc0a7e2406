"""A CSV file cut into blocks of whole rows. If a quote is never closed, only its line is lost.

Quotes are read as Arrow reads them. A quote at the beginning of a cell opens it, and a doubled quote inside is part of
the text. A cell of several lines must end with a quote that is followed by a delimiter or the end of a line. Otherwise
its opening quote was not meant as one.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from typing import NamedTuple

from makiserve.errors import DecodeError

MAX_ROW_BYTES = 16 << 20
"""The size of the longest row and of the longest cell that are read."""

BREAKS = (b"\n", b"\r")
BREAK = re.compile(rb"\r\n?|\n")


class Open(NamedTuple):
    """A quote that is not closed correctly.

    Attributes:
        row: the position of the beginning of its row.
        start: the position of the quote.
        end: the position up to which its cell would reach.
        reason: what is wrong, for the error message.
    """

    row: int
    start: int
    end: int
    reason: str


def whole_rows(pieces: Iterator[bytes], delimiter: str, line: int) -> Iterator[bytes | DecodeError]:
    """Yield blocks of whole rows, and a `DecodeError` for each row without an end.

    Args:
        pieces: the file after its header.
        delimiter: the character between cells.
        line: the number of the first line of the pieces.
    """
    cutter, rest, is_skipping = _Cutter(delimiter, line), b"", False
    for piece in pieces:
        if is_skipping:
            if not (begin := _line_end(piece, 0)):
                continue
            piece = piece[begin:]
        rest = yield from cutter.cut(rest + piece, is_last=False)
        if is_skipping := len(rest) > MAX_ROW_BYTES:
            yield DecodeError(f"line {cutter.line}: a row of more than {MAX_ROW_BYTES:,} bytes is skipped")
            cutter.line += 1
            rest = b""
    yield from cutter.cut(rest, is_last=True)


class _Cutter:
    def __init__(self, delimiter: str, line: int) -> None:
        ends = re.escape(delimiter).encode()
        self._quoted = re.compile(rb'"(?<![^%s\r\n]")[^"]*(?:""[^"]*)*("?)' % ends)  # a fast search begins with "
        self._after = (b"", b"\r", b"\n", delimiter.encode())
        self.line = line

    def cut(self, data: bytes, *, is_last: bool) -> Generator[bytes | DecodeError, None, bytes]:
        """Yield the whole rows of data, and return the rest, to prepend to the next piece."""
        at = 0
        while True:
            end, broken = self._scan(data, at, is_last)
            if block := data[at:end]:
                yield block
                self.line += _lines(block)
            if broken is None:
                return data[end:]
            line = self.line + _lines(data[broken.row : broken.start])
            yield _error(data, broken, line)
            at = _line_end(data, broken.start) or len(data)
            self.line += _lines(data[end:at])

    def _scan(self, data: bytes, begin: int, is_last: bool) -> tuple[int, Open | None]:
        """Return where the last whole row ends, and the quote that prevents more rows, if there is one."""
        row = at = begin
        for quoted in self._quoted.finditer(data, begin):
            start, end = quoted.span()
            row, at = _last_break(data, at, start) or row, end
            if end - start > MAX_ROW_BYTES:
                limit = start + MAX_ROW_BYTES
                return row, Open(row, start, limit, f"is not closed within {MAX_ROW_BYTES:,} bytes")
            if end == len(data) and not is_last:
                return row, None  # the next piece may close the quote, or double the closing one
            if not quoted[1]:
                return row, Open(row, start, end, "is never closed")
            if data[end : end + 1] not in self._after and _last_break(data, start, end):
                return row, Open(row, start, end, "is not closed before the next one")
        if is_last:
            return len(data), None
        known = len(data) - data.endswith(b"\r")  # the next piece may begin with the line feed of this CR
        return _last_break(data, at, known) or row, None


def _error(data: bytes, broken: Open, line: int) -> DecodeError:
    text = data[broken.start : _line_end(data, broken.start) or len(data)].rstrip(b"\r\n").decode(errors="replace")
    shown = text if len(text) <= 60 else text[:57] + "..."
    covered = _lines(data[broken.start : broken.end]) + (not data[: broken.end].endswith(BREAKS))
    return DecodeError(
        f"line {line}: the quote that opens {shown!r} {broken.reason}, so its cell would cover {covered:,} lines. "
        'Only this line is skipped. Close the quote, or write "" for a quote inside a text',
        value=shown,
    )


def _last_break(data: bytes, start: int, end: int) -> int:
    """Return the position after the last line break between two positions; 0 if there is none."""
    return max(data.rfind(mark, start, end) for mark in BREAKS) + 1


def _line_end(data: bytes, start: int) -> int:
    """Return the end of the line at a position, including its line break; 0 if it has none."""
    match = BREAK.search(data, start)
    return match.end() if match else 0


def _lines(data: bytes) -> int:
    """Return the number of lines that end in data."""
    return data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")
