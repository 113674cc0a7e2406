"""File content from gzip, Zstandard, UTF-16 or standard input. The bytes decide the format, not the file name."""

from __future__ import annotations

import codecs
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import RawIOBase
from itertools import chain
from pathlib import Path
from stat import S_ISREG
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa

from makiserve.errors import SourceError

STDIN = Path("-")
HEAD_BYTES = 1 << 20
PARQUET = b"PAR1"
AVRO = b"Obj\1"
COMPRESSED = {b"\x1f\x8b": "gzip", b"\x28\xb5": "zstd"}
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Content(NamedTuple):
    """The content of a file.

    Attributes:
        head: its beginning, at most one mebibyte.
        stream: all of it, including the head. Text is UTF-8. A stream of Parquet or Avro is seekable.
        file: the file itself. Its position shows how much has been read.
    """

    head: bytes
    stream: BinaryIO
    file: BinaryIO


@contextmanager
def opened(path: Path) -> Iterator[Content]:
    """Open a file. `-` is standard input.

    Raises:
        SourceError: at once or when the stream is read. The file does not exist, its compressed data are damaged or end
            early, or it has changed while it was read.
    """
    try:
        with ExitStack() as open_files:
            file = sys.stdin.buffer if path == STDIN else open_files.enter_context(path.open("rb"))
            before = os.fstat(file.fileno())
            yield _content(file, open_files)
            if path != STDIN and S_ISREG(before.st_mode) and _identity(path.stat()) != _identity(before):
                raise SourceError(f"{path}: the file changed while it was read: replay a copy that does not change")
    except OSError as error:
        if error.errno is None:  # Arrow's error about the content; the system's errors have a number
            raise SourceError(f"{path}: the compressed data are damaged or incomplete: {error}") from error
        raise SourceError(f"{path}: {error.strerror}") from error


def _identity(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _content(file: BinaryIO, open_files: ExitStack) -> Content:
    head, stream = _begin(file)
    if codec := COMPRESSED.get(head[:2]):
        head, stream = _begin(pa.CompressedInputStream(stream, codec))
    if head.startswith((PARQUET, AVRO)):
        return Content(head, _seekable(stream, open_files), file)
    if head.startswith(UTF_16):
        head, stream = _begin(_Pieces(_as_utf_8(stream)))
    return Content(head, stream, file)


def _begin(stream: Any) -> tuple[bytes, Any]:
    """Return the beginning of a stream, and a stream of all of it."""
    head = stream.read(HEAD_BYTES)
    if not stream.seekable():
        return head, _Pieces(chain([head], _pieces(stream)))
    stream.seek(0)
    return head, stream


def _pieces(stream: Any, size: int = HEAD_BYTES) -> Iterator[bytes]:
    return iter(lambda: stream.read(size), b"")


def _as_utf_8(stream: Any) -> Iterator[bytes]:
    decode = codecs.getincrementaldecoder("utf-16")(errors="replace").decode
    for piece in _pieces(stream):
        yield decode(piece).encode()
    yield decode(b"", True).encode()


def _seekable(stream: Any, open_files: ExitStack) -> Any:
    if stream.seekable():
        return stream
    whole = open_files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115  the stack closes it
    shutil.copyfileobj(stream, whole, HEAD_BYTES)
    whole.seek(0)
    return whole


class _Pieces(RawIOBase):
    """A stream of bytes from an iterator of pieces of any length."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._piece = memoryview(b"")

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes | None:
        if self._piece or size < 0:
            return super().read(size)
        piece = next(self._pieces, b"")  # without a copy if it fits
        self._piece = memoryview(piece)[size:]
        return piece[:size] if self._piece else piece

    def readinto(self, buffer: Any) -> int:
        while not self._piece:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._piece = memoryview(piece)
        count = min(len(buffer), len(self._piece))
        buffer[:count] = self._piece[:count]
        self._piece = self._piece[count:]
        return count
