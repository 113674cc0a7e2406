"""Operators on errors that the operators before them in the pipeline raise on an item."""

from makiserve.stream.error.catching import create_error_router, ignore, map

__all__ = ["create_error_router", "ignore", "map"]
