"""Operators on errors that the operators before them in the pipeline raise on an item."""

from makiserve.stream.error.ignore import ignore
from makiserve.stream.error.map import map
from makiserve.stream.error.router import create_error_router

__all__ = ["create_error_router", "ignore", "map"]
