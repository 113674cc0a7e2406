"""The blocks of an Avro container file, decompressed to a limited size. fastavro reads them without a limit."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import fastavro
import pyarrow as pa

from makiserve.errors import SourceError

MAX_BLOCK_BYTES = 100_000_000
"""Maximum size of a block, before and after decompression. librdkafka has the same limit for a batch."""

MAX_LONG_BYTES = 10
"""Maximum number of bytes in an integer."""

HEADER = fastavro.parse_schema(
    {
        "type": "record",
        "name": "Header",
        "fields": [
            {"name": "magic", "type": {"type": "fixed", "name": "Magic", "size": 4}},
            {"name": "meta", "type": {"type": "map", "values": "bytes"}},
            {"name": "sync", "type": {"type": "fixed", "name": "Sync", "size": 16}},
        ],
    }
)

DAMAGED = (ValueError, LookupError, EOFError, OverflowError, MemoryError, RecursionError)
"""The exceptions that fastavro raises on a header that is damaged."""

UNREADABLE = (zlib.error, lzma.LZMAError, ValueError, EOFError, OSError, pa.ArrowException)
"""The exceptions that the decompressors raise."""

Decompress = Callable[[bytes, int], bytes]
"""Decompresses a block. If it has more bytes than the limit, the result is just longer than that, or it raises."""


class _TooLarge(Exception):
    """A block claims to have more bytes than the limit."""


class ContainerBlock(NamedTuple):
    """A decompressed block.

    Attributes:
        claimed: how many records it claims to have.
        data: the records.
    """

    claimed: int
    data: bytes


class ContainerBlocks:
    """The blocks of a container file.

    Args:
        stream: the file, at its beginning.
        path: its name, for error messages.
        limit: the most bytes of a block.

    Attributes:
        schema: the writer's schema, as JSON.

    Raises:
        SourceError: the file is not a container, or its compression is not supported.
    """

    def __init__(self, stream: BinaryIO, path: Path, limit: int = MAX_BLOCK_BYTES) -> None:
        self._stream, self._path, self._limit = stream, path, limit
        try:
            header: Any = fastavro.schemaless_reader(stream, HEADER, None)
            self.schema = header["meta"]["avro.schema"].decode()
            codec = header["meta"].get("avro.codec", b"null").decode()
        except DAMAGED as error:
            raise SourceError(f"{path}: not readable as an Avro container file: {error}") from error
        if codec not in DECOMPRESS:
            raise SourceError(
                f"{path}: its blocks are compressed with {codec!r}, which is not supported: write the file with "
                "deflate, zstandard or snappy"
            )
        self._codec, self._sync = codec, header["sync"]

    def __iter__(self) -> Iterator[ContainerBlock]:
        """Yield the blocks.

        Raises:
            SourceError: a block is damaged or too large.
        """
        while first := self._stream.read(1):
            count, size = self._long(first), self._long(self._stream.read(1))
            if size > self._limit:
                raise self._too_large(f"has {size:,} bytes")
            stored = self._stream.read(size) if size >= 0 else b""
            if len(stored) != size or self._stream.read(len(self._sync)) != self._sync:
                raise self._damaged("it ends early, or is not followed by the file's sync marker")
            yield ContainerBlock(count, self._decompressed(stored))

    def _decompressed(self, stored: bytes) -> bytes:
        bomb = f"of {len(stored):,} bytes decompresses to more"
        try:
            data = DECOMPRESS[self._codec](stored, self._limit)
        except _TooLarge:
            raise self._too_large(bomb) from None
        except UNREADABLE as error:
            raise self._damaged(f"{type(error).__name__}: {error}") from error
        if len(data) > self._limit:
            raise self._too_large(bomb)
        return data

    def _long(self, first: bytes) -> int:
        """Return the integer that begins with this byte; the others are read."""
        number, byte = 0, first
        for place in range(MAX_LONG_BYTES):
            if not byte:
                break
            number |= (byte[0] & 127) << 7 * place
            if byte[0] < 128:
                return (number >> 1) ^ -(number & 1)
            byte = self._stream.read(1)
        raise self._damaged("it has no complete count or size")

    def _damaged(self, words: str) -> SourceError:
        return SourceError(f"{self._path}: a block is damaged: {words}")

    def _too_large(self, words: str) -> SourceError:
        return SourceError(
            f"{self._path}: a block {words}; the limit is {self._limit:,} bytes, so that a file cannot take all "
            "memory. Write the file with smaller blocks (a smaller sync interval)"
        )


def _deflate(data: bytes, limit: int) -> bytes:
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, limit + 1)


def _bzip2(data: bytes, limit: int) -> bytes:
    return bz2.BZ2Decompressor().decompress(data, limit + 1)


def _xz(data: bytes, limit: int) -> bytes:
    machine = lzma.LZMADecompressor(memlimit=MAX_BLOCK_BYTES)  # a dictionary may claim 4 GiB
    return machine.decompress(data, limit + 1)


def _zstandard(data: bytes, limit: int) -> bytes:
    decompressed: bytes = pa.CompressedInputStream(pa.BufferReader(data), "zstd").read(limit + 1)
    return decompressed


def _snappy(data: bytes, limit: int) -> bytes:
    """Decompress a block of Snappy: its size, the compressed data, and a checksum of four bytes."""
    size = 0
    for place, byte in enumerate(data[:5]):
        size |= (byte & 127) << 7 * place
        if byte < 128:
            break
    if size > limit:
        raise _TooLarge
    decompressed: bytes = pa.Codec("snappy").decompress(data[:-4], size, asbytes=True)
    return decompressed


DECOMPRESS: dict[str, Decompress] = {
    "null": lambda data, limit: data,
    "deflate": _deflate,
    "bzip2": _bzip2,
    "xz": _xz,
    "zstandard": _zstandard,
    "snappy": _snappy,
}
