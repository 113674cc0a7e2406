"""`compression.zstd`: Zstandard (RFC 8878), with the library `zstandard`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import zstandard

from makiserve.stream.engine.trace import Transform
from makiserve.stream.rxsci.compression.machine import Compressor, Decompressor, MachineOperator, running

__all__ = ["compress", "decompress"]


def compress() -> Transform:
    """Compress a stream of bytes to one Zstandard frame.

    ```
    --data-----data-----|
      compress()
    --------------------frame|
    ```

    *Emits* for each item the bytes that are ready, often none, and the rest at completion. *State* the library's, some
    megabytes, which cannot be saved: it runs on an Observable, not in a lane (there, compress each record separately:
    `ops.map(zstandard.compress)`).

    Raises:
        PipelineError: it is applied in a traced pipeline.

    >>> import rx, zstandard, makiserve.stream as rs
    >>> parts = []
    >>> rx.from_([b"one ", b"two"]).pipe(rs.compression.zstd.compress()).subscribe(parts.append).dispose()
    >>> zstandard.ZstdDecompressor().decompressobj().decompress(b"".join(parts))
    b'one two'
    """
    return running(ZstdCompress(zstd_compressor), "zstd.compress", "zstandard.compress")


def decompress() -> Transform:
    """Decompress a Zstandard file that comes as a stream of bytes in pieces of any size.

    ```
    --frame's begin--its end--|
      decompress()
    --data-----------data-----|
    ```

    *Emits* for each item the bytes that are ready, sometimes none, and an empty item at completion. If several frames
    follow each other, all are read (RxSci stops after the first). *State* the library's, which cannot be saved: it
    runs on an Observable, not in a lane. *Raises* DecodeError for damaged bytes, and at completion for a truncated
    stream.

    Raises:
        PipelineError: it is applied in a traced pipeline.

    >>> import rx, zstandard, makiserve.stream as rs
    >>> rx.from_([zstandard.compress(b"one two")]).pipe(rs.compression.zstd.decompress()).subscribe(print).dispose()
    b'one two'
    b''
    """
    return running(ZstdDecompress(zstd_decompressor), "zstd.decompress", "zstandard.decompress")


def zstd_compressor() -> Compressor:
    """Return a new machine that writes a Zstandard frame."""
    return Compressor(zstandard.ZstdCompressor().compressobj())


def zstd_decompressor() -> Decompressor:
    """Return a new machine that reads Zstandard frames."""
    return Decompressor(lambda: zstandard.ZstdDecompressor().decompressobj(), zstandard.ZstdError)


@dataclass(frozen=True, eq=False)
class ZstdCompress(MachineOperator):
    """The node of `zstd.compress`."""

    name: ClassVar[str] = "zstd_compress"


@dataclass(frozen=True, eq=False)
class ZstdDecompress(MachineOperator):
    """The node of `zstd.decompress`."""

    name: ClassVar[str] = "zstd_decompress"
