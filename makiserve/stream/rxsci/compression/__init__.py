"""Compressed streams of bytes."""

from makiserve.stream.rxsci.compression import z, zstd

__all__ = ["z", "zstd"]
