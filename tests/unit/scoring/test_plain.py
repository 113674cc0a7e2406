"""Values as JSON, CSV and Parquet can all hold them; the table in docs/how-to/models.md is what the code does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum, IntEnum
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest

from makiserve.scoring.plain import plain
from tests.loops import loop_over

PAGE = Path(__file__).parents[3] / "docs/how-to/models.md"
ROWS = re.findall(r"^\| `(.+)` \| `(.+)` \|$", PAGE.read_text(encoding="utf-8").split("## Values")[1], re.MULTILINE)


@loop_over(("value", "written"), ROWS)
def test_a_value_is_written_as_the_documentation_says(value: str, written: str) -> None:
    made = eval(value, {"np": np, "pd": pd, "decimal": __import__("decimal")})

    assert msgspec.json.encode(plain(made)).decode() == written


def test_the_table_is_found() -> None:
    assert len(ROWS) == 17


class Letter(str, Enum):
    A = "a"


class Number(IntEnum):
    ONE = 1


@dataclass
class Pair:
    first: Any
    second: Any


@loop_over(
    ("value", "expected"),
    [
        (np.longdouble(1.5), 1.5),
        (np.str_("a"), "a"),
        (Letter.A, "a"),
        (Number.ONE, 1),
        (np.datetime64("2024"), "2024-01-01"),
        (np.datetime64("2024-01-01T05"), "2024-01-01T05:00:00"),
        (np.datetime64("2024-01-01T05:00:00.123456789"), "2024-01-01T05:00:00.123456789"),
        (np.datetime64("20000-01-01"), "20000-01-01"),
        (np.datetime64("NaT"), None),
        (np.timedelta64("NaT"), None),
        (timedelta(days=1), "P1DT0H0M0S"),
        (date(2024, 1, 1), "2024-01-01"),
        (np.ma.array([1.0, 2.0], mask=[False, True]), [1.0, None]),
        (np.array(["2024", "NaT"], "datetime64[ns]"), ["2024-01-01T00:00:00", None]),
        (np.array([["2024"], ["2025"]], "datetime64[D]"), [["2024-01-01"], ["2025-01-01"]]),
        (np.array([1.0, np.nan, None, "a"], object), [1.0, None, None, "a"]),
        (pd.Series(["a", None]), ["a", None]),
        (pd.Categorical(["a", None]), ["a", None]),
        (pd.Series([1.5, None], dtype="double[pyarrow]"), [1.5, None]),
        (pd.Series([timedelta(1), None], dtype="duration[ns][pyarrow]"), ["P1DT0H0M0S", None]),
        (Pair(pd.Timestamp("2024-01-01"), np.arange(2)), {"first": "2024-01-01T00:00:00", "second": [0, 1]}),
        ({1: (np.int8(1), pd.NA)}, {"1": [1, None]}),
    ],
)
def test_a_value_of_any_library_is_plain(value: Any, expected: Any) -> None:
    assert plain(value) == expected


@loop_over("value", [1j, np.complex64(1), pd.Period("2024"), pd.Interval(0, 1), object(), [1j], {"a": 1j}])
def test_a_value_without_a_form_in_json_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="a value of type"):
        plain(value)


@pytest.mark.parametrize("value", [np.timedelta64(5, "M"), {1: 1, "1": 2}])
def test_a_value_that_would_be_ambiguous_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"Unit M|are the same text"):
        plain(value)
