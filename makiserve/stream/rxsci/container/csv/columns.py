"""The columns of a CSV file: their names, and the converters of their cells."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from types import NoneType
from typing import Any, get_args, get_type_hints

from makiserve.errors import PipelineError

Row = Callable[..., Any]
Columns = dict[str, str]
"""Name → type, one of `CONVERTERS`."""


def _bool(cell: str) -> bool:
    folded = cell.lower()
    if folded not in ("true", "false"):
        raise ValueError(cell)
    return folded == "true"


def _posix_timestamp(cell: str) -> datetime:
    return datetime.fromtimestamp(float(cell), timezone.utc)


def _iso_datetime(cell: str) -> datetime:
    return datetime.fromisoformat(f"{cell[:-1]}+00:00" if cell.endswith(("Z", "z")) else cell)  # Z: Python 3.11


CONVERTERS: dict[str, Callable[[str], Any]] = {
    "int": int,
    "float": float,
    "bool": _bool,
    "str": str,
    "posix_timestamp": _posix_timestamp,
    "iso_datetime": _iso_datetime,
}
# the placeholder for a type in the annotations of a NamedTuple: get_type_hints takes only classes
ANNOTATIONS = {name: type(name, (), {}) for name in ("posix_timestamp", "iso_datetime")}


def declared(dtype: Sequence[tuple[str, Any]] | type[tuple[Any, ...]], name: str) -> tuple[Row, Columns]:
    """Return the class of the rows, and the columns.

    Args:
        dtype: `(name, type)` pairs, or a NamedTuple class.
        name: the name of the class that is made for pairs.

    Raises:
        PipelineError: a type is unknown.
    """
    kinds: dict[str, Any] = get_type_hints(dtype, localns=ANNOTATIONS) if isinstance(dtype, type) else dict(dtype)
    row: Row = dtype if isinstance(dtype, type) else _row(name, list(kinds))
    columns = {column: _kind(kind) for column, kind in kinds.items()}
    if unknown := [f"{column}: {kind}" for column, kind in columns.items() if kind not in CONVERTERS]:
        raise PipelineError(f"create_line_parser: unknown type of {', '.join(unknown)}; known: {', '.join(CONVERTERS)}")
    return row, columns


def from_header(cells: Sequence[str], name: str) -> tuple[Row, Columns]:
    """Return the class of the rows below a header, and the columns, all of type str; blanks in names become `_`."""
    row = _row(name, [cell.strip().replace(" ", "_") for cell in cells], rename=True)
    return row, dict.fromkeys(row._fields, "str")


def _row(name: str, columns: list[str], rename: bool = False) -> Any:
    return namedtuple(name, columns, rename=rename)


def _kind(kind: Any) -> str:
    """Return the name of a declared type; for `float | None`, float: an empty cell is None in any case."""
    others = [member for member in get_args(kind) if member is not NoneType]
    kind = others[0] if len(others) == 1 else kind
    kind = "iso_datetime" if kind is datetime else kind
    return kind if isinstance(kind, str) else getattr(kind, "__name__", str(kind))
