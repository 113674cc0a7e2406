"""Container images with a model in them."""

from makiserve.building.context import BASE, Context, write_context
from makiserve.building.engine import Engine, find_engine

__all__ = ["BASE", "Context", "Engine", "find_engine", "write_context"]
