"""Operators on the shape of a stream: windows, sessions, order."""

from makiserve.stream.data.roll import roll

__all__ = ["roll"]
