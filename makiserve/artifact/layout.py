"""The layout of a model's outputs, determined once from its outputs for different numbers of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray
from scipy import sparse

from makiserve.errors import PredictError
from makiserve.scoring.plain import plain

Form = Literal["values", "matrix", "frame", "mapping", "targets"]

PROBES = (1, 2, 3)
"""The numbers of rows that a layout is learned from. The length of a list of one array per target can equal only one of
them."""

COLUMN = (pd.Series, pd.Index, ExtensionArray, list, tuple)
ARRAY = (*COLUMN, np.ndarray, pd.DataFrame)


class Names(NamedTuple):
    """The names of a model's outputs, as far as the model or its signature has them.

    Attributes:
        columns: the names of the columns of a matrix, or of the targets.
        classes: the class names of each target, for a classifier that returns an array of probabilities per target.
    """

    columns: tuple[str, ...] = ()
    classes: tuple[tuple[str, ...], ...] = ()


class Layout(msgspec.Struct, frozen=True):
    """The type and shape of a model's outputs, sufficient to read any of them.

    Attributes:
        form: `values`: one value for each row. `matrix`: an array of two or more dimensions, the first one for the
            rows. `frame`: a data frame. `mapping`: a dict of columns. `targets`: a list with an array for each target.
        names: the names of the columns or targets; empty if a prediction is a list.
        shape: the shape of one row of a matrix.
        parts: the layout of each part of a mapping, or of each target.
    """

    form: Form
    names: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()
    parts: tuple[Layout, ...] = ()

    def read(self, output: Any, rows: int, names: Names) -> list[Any]:
        """Return the prediction of each row: plain values as from `plain`, or a dict by name for several outputs.

        Args:
            output: the model's output.
            rows: the number of rows that the model was given.
            names: the names that the layout was learned with.

        Raises:
            PredictError: the output has another layout, or a value that JSON cannot represent.
        """
        if self not in layouts(output, rows, names):
            raise PredictError(
                f"the model returned {_words(output)} for {_count(rows)}, but for its first records it returned "
                f"{self.words}. A model must return the same type and shape for any number of rows"
            )
        try:
            return _READ[self.form](self, output)
        except (TypeError, ValueError) as error:
            raise PredictError(f"the model returned a value that JSON cannot represent: {error}") from error

    @property
    def words(self) -> str:
        """The layout as text, for messages."""
        if self.form == "values":
            return "one value per row"
        if self.form == "matrix":
            return f"an array of shape {('rows', *self.shape)}".replace("'", "")
        if self.form == "targets":
            return f"a list of {len(self.parts)} arrays, one per target, with one element per row each"
        return f"the columns {', '.join(self.names)}"


def learn(answer: Callable[[int], Any], rows: int, names: Names) -> Layout:
    """Return the layout that the outputs for 1, 2, 3 and `rows` rows share.

    Args:
        answer: calls the model with the given number of rows.
        rows: another number of rows.
        names: the names of the outputs.

    Raises:
        PredictError: an output has no layout, or no layout fits every number of rows.
    """
    candidates: list[Layout] = []
    for size in sorted({*PROBES, rows}):
        output = answer(size)
        possible = layouts(output, size, names)
        if not possible:
            raise PredictError(
                f"the model returned {_words(output)} for {_count(size)}, which is not one prediction for each row: "
                "it must return an array, Series, DataFrame or list with one element per row, a dict of these, or a "
                "list of one array per target"
            )
        before, candidates = candidates, [layout for layout in possible if not candidates or layout in candidates]
        if not candidates:
            raise PredictError(
                f"the model returned {_words(output)} for {_count(size)}, but {before[0].words} for fewer rows: it "
                "must return the same type and shape for any number of rows"
            )
    return candidates[0]


def layouts(output: Any, rows: int, names: Names) -> list[Layout]:
    """Return each layout that fits an output for this number of rows."""
    candidates = [_of_rows(output, rows, names.columns), _of_mapping(output, rows), _of_targets(output, rows, names)]
    return [layout for layout in candidates if layout is not None]


def _of_rows(output: Any, rows: int, names: Sequence[str] = (), prefix: str | None = "output_") -> Layout | None:
    """Return the layout of an output with an element for each row; None if it is not one.

    Args:
        output: an output, or a part of one.
        rows: the number of rows.
        names: the names of a matrix's columns, used if their number matches.
        prefix: otherwise the columns are named by this prefix and their number; None to keep the columns as a list.
    """
    if isinstance(output, pd.DataFrame):
        titles = [f"output_{name}" if isinstance(name, int) else str(name) for name in output]
        has_names = not isinstance(output.columns, pd.RangeIndex) or len(names) != len(titles)
        is_fit = len(output) == rows and _is_in_order(output.index) and 0 < len(set(titles)) == len(titles)
        return Layout("frame", tuple(titles if has_names else names)) if is_fit else None
    if sparse.issparse(output) or (isinstance(output, np.ndarray) and output.ndim > 1):
        shape = tuple(output.shape[1:])
        numbered = [f"{prefix}{index}" for index in range(shape[0])] if prefix else ()
        chosen = names if len(set(names)) == len(names) == shape[0] else numbered
        return Layout("matrix", tuple(chosen), shape) if output.shape[0] == rows and 0 not in shape else None
    if isinstance(output, COLUMN) or (isinstance(output, np.ndarray) and output.ndim == 1):
        index = output.index if isinstance(output, pd.Series) else None
        return Layout("values") if len(output) == rows and _is_in_order(index) else None
    return None


def _of_mapping(output: Any, rows: int) -> Layout | None:
    if not isinstance(output, dict):
        return None
    names = tuple(map(str, output))
    parts = _parts(_of_rows(part, rows, prefix=None) for part in output.values())
    return Layout("mapping", names, parts=parts) if parts and len(set(names)) == len(names) else None


def _of_targets(output: Any, rows: int, names: Names) -> Layout | None:
    if not isinstance(output, list | tuple) or not all(
        isinstance(part, ARRAY) or sparse.issparse(part) for part in output
    ):
        return None
    classes = names.classes if len(names.classes) == len(output) else ((),) * len(output)
    parts = _parts(_of_rows(part, rows, known, None) for part, known in zip(output, classes, strict=True))
    titles = names.columns if len(names.columns) == len(output) else ()
    if not titles and names.classes:
        titles = tuple(f"output_{index}" for index in range(len(output)))
    return Layout("targets", titles, parts=parts) if parts else None


def _parts(candidates: Iterable[Layout | None]) -> tuple[Layout, ...] | None:
    """Return all parts as a tuple; None if there are none, or one of them has no layout."""
    parts = tuple(candidates)
    return None if None in parts or not parts else parts  # type: ignore[return-value]  # none is None


def _is_in_order(index: pd.Index | None) -> bool:
    """Return False if an index shows that the model sorted its rows: it is 0, 1, 2, … in another order."""
    if index is None or index.dtype.kind not in "iu":
        return True
    numbers, expected = index.to_numpy(), np.arange(len(index))
    return bool((numbers == expected).all() or (np.sort(numbers) != expected).any())


def _values(layout: Layout, output: Any) -> list[Any]:
    return plain(output)  # type: ignore[no-any-return]  # a list of a column


def _matrix(layout: Layout, output: Any) -> list[Any]:
    array = output.toarray() if sparse.issparse(output) else output
    return _named(layout.names, [plain(array[:, index]) for index in range(layout.shape[0])])


def _frame(layout: Layout, output: Any) -> list[Any]:
    return _named(layout.names, [plain(output.iloc[:, index]) for index in range(len(layout.names))])


def _mapping(layout: Layout, output: Any) -> list[Any]:
    return _named(layout.names, _read_parts(layout, output.values()))


def _targets(layout: Layout, output: Any) -> list[Any]:
    columns = _read_parts(layout, output)
    return _named(layout.names, columns) if len(columns) > 1 else columns[0]


def _read_parts(layout: Layout, parts: Iterable[Any]) -> list[list[Any]]:
    return [_READ[part.form](part, column) for part, column in zip(layout.parts, parts, strict=True)]


_READ: dict[Form, Callable[[Layout, Any], list[Any]]] = {
    "values": _values,
    "matrix": _matrix,
    "frame": _frame,
    "mapping": _mapping,
    "targets": _targets,
}


def _named(names: Sequence[str], columns: list[list[Any]]) -> list[Any]:
    """Return a value for each row: the value of a single column, or a dict by name, or a list without names."""
    if len(columns) == 1:
        return columns[0]
    rows = zip(*columns, strict=True)
    return [dict(zip(names, row, strict=True)) for row in rows] if names else list(map(list, rows))


def _words(output: Any) -> str:
    """Describe an output by its type and shape, without its values."""
    if isinstance(output, pd.DataFrame | pd.Series) and not _is_in_order(output.index):
        return f"a {type(output).__name__} whose rows were sorted (by its index)"
    if isinstance(output, pd.DataFrame):
        return f"a DataFrame of shape {output.shape} with the columns {', '.join(map(str, output))}"
    if isinstance(output, np.ndarray) or sparse.issparse(output):
        return f"an array of shape {output.shape}"
    if isinstance(output, dict):
        return f"a dict of {', '.join(f'{name}: {_words(part)}' for name, part in output.items())}"
    if isinstance(output, list | tuple) and output and all(isinstance(part, ARRAY) for part in output):
        return f"a {type(output).__name__} of {len(output)} elements, the first {_words(output[0])}"
    size = f" of {len(output)} elements" if isinstance(output, COLUMN) else ""
    return f"a {type(output).__name__}{size}"


def _count(rows: int) -> str:
    return f"{rows:,} row" if rows == 1 else f"{rows:,} rows"
