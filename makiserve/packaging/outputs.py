"""What a model gives, in any of the forms that MLflow's flavors know, as one JSON value for each row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from makiserve.errors import PredictError


def predictions(output: Any, rows: int) -> list[Any]:
    """One value for each row: a number or string, a list of them, or a dict by the names of the output's columns.

    Args:
        output: an array, frame, series or list with one element for each row, or a dict of these.
        rows: how many rows the model was given.

    Raises:
        PredictError: it is none of these, or not as many.
    """
    values = _values(output)
    if len(values) != rows:
        raise PredictError(f"the model gave {len(values)} predictions for {rows} rows")
    return values


def _values(output: Any) -> list[Any]:
    if isinstance(output, pd.DataFrame):
        return [{str(name): value for name, value in row.items()} for row in output.to_dict("records")]
    if isinstance(output, dict):
        names, columns = [str(name) for name in output], [_values(column) for column in output.values()]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    if isinstance(output, list):
        return [value.tolist() if isinstance(value, np.ndarray | np.generic) else value for value in output]
    if isinstance(output, np.ndarray | pd.Series) and output.ndim:
        return output.tolist()
    raise PredictError(f"the model gave {type(output).__name__}: not one prediction for each row")
