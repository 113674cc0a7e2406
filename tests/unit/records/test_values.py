"""One verdict for a value, whatever format it comes from."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pyarrow import parquet

from makiserve.records import Record, RecordFile, Schema
from makiserve.records.cells import has_literals
from makiserve.records.record import NA_VALUES
from tests.unit.records.verdicts import (
    KINDS,
    REFUSED,
    SCALARS,
    VALUES,
    from_file,
    from_message,
)


def cell_of(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


def from_cell(path: Path, cell: str, kind: Any) -> Any:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["x", "other"], [cell, "1"]])
    path.write_bytes(text.getvalue().encode())
    (cell_verdict,) = from_file(path, kind)
    return cell_verdict


def spelled(cell: str, kind: Any) -> Iterator[Any]:
    """The verdicts in JSON on what a cell may spell: a number or a boolean if the type has them, and a text."""
    if has_literals(kind):
        stripped = cell.strip()
        with_zero = stripped.removeprefix("+")
        try:
            literal = json.loads(with_zero.lower())
        except ValueError:
            literal = None
        if isinstance(literal, bool | int | float):
            yield from_message(with_zero.lower().encode(), kind)
    yield from_message(json.dumps(cell).encode(), kind)


@given(VALUES, st.sampled_from(KINDS))
def test_json_lines_and_arrow_give_the_verdict_of_a_message(
    tmp_path_factory: pytest.TempPathFactory, value: Any, kind: Any
) -> None:
    text = json.dumps(value).encode()
    expected = from_message(text, kind)
    path = tmp_path_factory.getbasetemp() / "values.jsonl"
    path.write_bytes(b'{"x": %s}\n' % text)
    assert repr(from_file(path, kind)) == repr([expected])
    try:
        column = pa.array([value])
        parquet.write_table(pa.table({"x": column}), path)
    except pa.ArrowException:  # lists of several types, structs without fields
        return
    assume(repr(column.to_pylist()) == repr([value]))  # in a list, pyarrow makes a number of a boolean
    assert repr(from_file(path, kind)) == repr([expected])


@given(SCALARS, st.sampled_from(KINDS))
def test_a_csv_cell_gets_the_verdict_of_the_json_that_it_spells(
    tmp_path_factory: pytest.TempPathFactory, value: Any, kind: Any
) -> None:
    cell, path = cell_of(value), tmp_path_factory.getbasetemp() / "values.csv"
    cell_verdict = from_cell(path, cell, kind)
    is_optional = msgspec.convert(None, kind | None) is None and kind in [
        optional_kind for optional_kind in KINDS if _has_none(optional_kind)
    ]
    if is_optional and cell in NA_VALUES:
        assert cell_verdict == (type(None), None)
    elif has_literals(kind) and cell.strip() in ("5.", ".5", "007"):  # numbers of CSV that JSON spells otherwise
        assert cell_verdict[0] in (float, int) or cell_verdict == (REFUSED, None) or cell_verdict == (str, cell)
    else:
        accepted = [candidate for candidate in spelled(cell, kind) if candidate[0] != REFUSED]
        assert repr(cell_verdict) == repr(accepted[0] if accepted else (REFUSED, None))


def _has_none(kind: Any) -> bool:
    return type(None) in getattr(kind, "__args__", ())


def test_a_post_init_that_raises_is_a_dead_letter_in_every_format(tmp_path: Path) -> None:
    class Ratio(Record):
        part: float
        whole: float = 1.0

        def __post_init__(self) -> None:
            self.part / self.whole

    rows = [{"part": 1.0, "whole": 0.0}, {"part": 1.0, "whole": 2.0}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    pd.DataFrame(rows).to_csv(tmp_path / "a.csv", index=False)
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    for name in ("a.jsonl", "a.csv", "a.parquet"):
        bad, good = (record for block in RecordFile(tmp_path / name, Schema(Ratio)) for record in block)
        assert re.fullmatch("ZeroDivisionError: (float )?division by zero", str(bad))  # Python 3.14 omits the word
        assert good == Ratio(1.0, 2.0)
