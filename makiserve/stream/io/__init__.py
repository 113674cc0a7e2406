"""Files as Observables: read them, list them, write to them."""

from makiserve.stream.io import file as file
from makiserve.stream.io.read import read
from makiserve.stream.io.walk import walk
from makiserve.stream.io.write import write

__all__ = ["read", "walk", "write"]
