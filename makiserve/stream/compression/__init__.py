"""Compressed streams of bytes."""

from makiserve.stream.compression import z, zstd

__all__ = ["z", "zstd"]
