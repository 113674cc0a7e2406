"""A CSV file cut after whole rows. A quote that is never closed costs its line and not the rest of the file.

Quotes are read as Arrow reads them: one at the beginning of a cell opens it, and a doubled one inside is part of the
text. A cell of several lines must end with a quote that is followed by a delimiter or the end of a line. Otherwise the
quote that opened it was not meant as one.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from typing import NamedTuple

from makiserve.errors import DecodeError

MAX_ROW_BYTES = 16 << 20
"""The longest row, and the longest cell, that is read."""

BREAKS = (b"\n", b"\r")
BREAK = re.compile(rb"\r\n?|\n")


class Open(NamedTuple):
    """A quote that is not closed as it should be.

    Attributes:
        row: where its row begins.
        start: where it is.
        end: how far the cell would reach.
        reason: what is found there.
    """

    row: int
    start: int
    end: int
    reason: str


def whole_rows(pieces: Iterator[bytes], delimiter: str, line: int) -> Iterator[bytes | DecodeError]:
    """Yield blocks of whole rows, and a `DecodeError` in the place of each row that has no end.

    Args:
        pieces: the file after its header.
        delimiter: between cells.
        line: the number of its first line.
    """
    cutter, rest, is_skipping = _Cutter(delimiter, line), b"", False
    for piece in pieces:
        if is_skipping:
            if not (begin := _line_end(piece, 0)):
                continue
            piece = piece[begin:]
        rest = yield from cutter.cut(rest + piece, is_last=False)
        if is_skipping := len(rest) > MAX_ROW_BYTES:
            yield DecodeError(f"line {cutter.line}: a row of more than {MAX_ROW_BYTES:,} bytes is not read")
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
        """Yield the whole rows of data; return what remains for the next piece."""
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
        """Return where the last whole row ends, and the quote that stands in the way of more."""
        row = at = begin
        for quoted in self._quoted.finditer(data, begin):
            start, end = quoted.span()
            row, at = _last_break(data, at, start) or row, end
            if end - start > MAX_ROW_BYTES:
                limit = start + MAX_ROW_BYTES
                return row, Open(row, start, limit, f"is not closed within {MAX_ROW_BYTES:,} bytes")
            if end == len(data) and not is_last:
                return row, None  # the next piece may close the quote, or double the one that closes it
            if not quoted[1]:
                return row, Open(row, start, end, "is never closed")
            if data[end : end + 1] not in self._after and _last_break(data, start, end):
                return row, Open(row, start, end, "is not closed before the next one")
        if is_last:
            return len(data), None
        known = len(data) - data.endswith(b"\r")  # the next piece may begin with the line feed that belongs to it
        return _last_break(data, at, known) or row, None


def _error(data: bytes, broken: Open, line: int) -> DecodeError:
    text = data[broken.start : _line_end(data, broken.start) or len(data)].rstrip(b"\r\n").decode(errors="replace")
    shown = text if len(text) <= 60 else text[:57] + "..."
    covered = _lines(data[broken.start : broken.end]) + (not data[: broken.end].endswith(BREAKS))
    return DecodeError(
        f"line {line}: the quote that opens {shown!r} {broken.reason}: its cell would cover {covered:,} lines. Only "
        'this line is left out; close the quote, or write "" for a quote that is part of a text',
        value=shown,
    )


def _last_break(data: bytes, start: int, end: int) -> int:
    """Return where the last line that ends between two places ends, 0 if none does."""
    return max(data.rfind(mark, start, end) for mark in BREAKS) + 1


def _line_end(data: bytes, start: int) -> int:
    """Return where the line of a place ends, its line break included; 0 if it has no line break."""
    found = BREAK.search(data, start)
    return found.end() if found else 0


def _lines(data: bytes) -> int:
    """Return the number of lines that end in data."""
    return data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")
