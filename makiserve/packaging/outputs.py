"""What a model gives, in any of the forms that MLflow's flavors know, as one JSON value for each row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from makiserve.errors import PredictError


def predictions(output: Any, rows: int, names: Sequence[str] = ()) -> list[Any]:
    """One value for each row: a number or text, or, of several outputs, a dict by their names.

    Args:
        output: an array, frame, series or list with one element for each row, or a dict of these. Several columns
            without names are `output_0`, `output_1`, …; one column is a plain value, whatever its name.
        rows: how many rows the model was given.
        names: of the columns of a matrix, such as the classes whose probabilities they are.

    Raises:
        PredictError: it is none of these, or not as many.
    """
    values = _values(output, names)
    if len(values) != rows:
        raise PredictError(f"the model gave {len(values)} predictions for {rows} rows")
    return values


def _values(output: Any, names: Sequence[str]) -> list[Any]:
    if isinstance(output, pd.DataFrame):
        titles = [f"output_{name}" if isinstance(name, int) else str(name) for name in output]
        columns = [output.iloc[:, index].tolist() for index in range(len(titles))]
        return _named(_or_given(titles, names) if isinstance(output.columns, pd.RangeIndex) else titles, columns)
    if isinstance(output, dict):
        return _named(list(map(str, output)), [_cells(column) for column in output.values()])
    if isinstance(output, np.ndarray) and output.ndim > 1:
        columns = [output[:, index].tolist() for index in range(output.shape[1])]
        return _named(_or_given([f"output_{index}" for index in range(len(columns))], names), columns)
    return _cells(output)


def _named(names: Sequence[str], columns: list[list[Any]]) -> list[Any]:
    if len(columns) == 1:
        return columns[0]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _or_given(titles: list[str], names: Sequence[str]) -> Sequence[str]:
    return names if len(names) == len(titles) else titles


def _cells(output: Any) -> list[Any]:
    """One value for each row of a single output; a vector for each row stays a list."""
    if isinstance(output, list):
        return list(map(_plain, output))
    if isinstance(output, np.ndarray | pd.Series) and output.ndim:
        narrow = output[:, 0] if output.ndim == 2 and output.shape[1] == 1 else output
        return list(map(_plain, narrow.tolist())) if output.dtype == object else narrow.tolist()
    raise PredictError(f"the model gave {type(output).__name__}: not one prediction for each row")


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, dict):
        return {str(name): _plain(inner) for name, inner in value.items()}
    return value
