"""Files as Observables: read them, list them, write to them."""

from makiserve.stream.rxsci.io import file as file
from makiserve.stream.rxsci.io.read import read, walk
from makiserve.stream.rxsci.io.write import write

__all__ = ["read", "walk", "write"]
