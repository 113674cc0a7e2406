"""`io.file`: `read` and `write` under the module name that RxSci gives them."""

from makiserve.stream.rxsci.io.read import read
from makiserve.stream.rxsci.io.write import write

__all__ = ["read", "write"]
