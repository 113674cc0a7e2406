"""Column expressions: users' functions computed for all items of a batch at once, with Python's results."""

from makiserve.stream.columns.expressions.column_function import (
    ColumnFunction,
    Evaluated,
    column_function,
    column_starfunction,
)

__all__ = ["ColumnFunction", "Evaluated", "column_function", "column_starfunction"]
