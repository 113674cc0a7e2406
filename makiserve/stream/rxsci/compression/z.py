"""`compression.z`: gzip (RFC 1952)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import ClassVar

from makiserve.stream.engine.trace import Transform
from makiserve.stream.rxsci.compression.machine import Compressor, Decompressor, MachineOperator, running

__all__ = ["compress", "decompress"]

GZIP = zlib.MAX_WBITS | 16  # zlib's code for a gzip header


def compress() -> Transform:
    """Compress a stream of bytes to one gzip file.

    ```
    --data-----data-----|
      compress()
    --header------------rest|
    ```

    *Emits* for each item the bytes that are ready, often none, and the rest at completion. *State* zlib's, about 260
    KB, which cannot be saved: it runs on an Observable, not in a lane (there, compress each record separately:
    `ops.map(gzip.compress)`).

    Raises:
        PipelineError: it is applied in a traced pipeline.

    >>> import gzip, rx, makiserve.stream as rs
    >>> parts = []
    >>> rx.from_([b"one ", b"two"]).pipe(rs.compression.z.compress()).subscribe(parts.append).dispose()
    >>> gzip.decompress(b"".join(parts))
    b'one two'
    """
    return running(ZlibCompress(gzip_compressor), "z.compress", "gzip.compress")


def decompress() -> Transform:
    """Decompress a gzip file that comes as a stream of bytes in pieces of any size.

    ```
    --header--rest--|
      decompress()
    ----------data--|
    ```

    *Emits* for each item the bytes that are ready, sometimes none, and an empty item at completion. If several gzip
    files follow each other, all are read (RxSci stops after the first). *State* zlib's, about 40 KB, which cannot be
    saved: it runs on an Observable, not in a lane. *Raises* DecodeError for damaged bytes, and at completion for a
    truncated stream.

    Raises:
        PipelineError: it is applied in a traced pipeline.

    >>> import gzip, rx, makiserve.stream as rs
    >>> rx.from_([gzip.compress(b"one two")]).pipe(rs.compression.z.decompress()).subscribe(print).dispose()
    b'one two'
    b''
    """
    return running(ZlibDecompress(gzip_decompressor), "z.decompress", "gzip.decompress")


def gzip_compressor() -> Compressor:
    """Return a new machine that writes a gzip file."""
    return Compressor(zlib.compressobj(wbits=GZIP))


def gzip_decompressor() -> Decompressor:
    """Return a new machine that reads gzip files."""
    return Decompressor(lambda: zlib.decompressobj(wbits=GZIP), zlib.error)


@dataclass(frozen=True, eq=False)
class ZlibCompress(MachineOperator):
    """The node of `z.compress`."""

    name: ClassVar[str] = "z_compress"


@dataclass(frozen=True, eq=False)
class ZlibDecompress(MachineOperator):
    """The node of `z.decompress`."""

    name: ClassVar[str] = "z_decompress"
