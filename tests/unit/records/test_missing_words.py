"""Missing values: the words of CSV files, and NaN in messages."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path
from typing import Any

import fastavro
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from makiserve.errors import ConfigurationError, DecodeError
from makiserve.records import RecordFile, Schema
from makiserve.records.record import NA_VALUES
from tests.loops import loop_over
from tests.unit.records.verdicts import (
    REFUSED,
    from_file,
    record_of,
    verdict,
)


def test_missing_words_are_those_of_pandas() -> None:
    from pandas._libs import parsers  # type: ignore[attr-defined]  # private

    assert NA_VALUES == parsers.STR_NA_VALUES
    frame = pd.read_csv(io.StringIO("x,y\n" + "".join(f"{word},1\n" for word in NA_VALUES)))
    assert frame["x"].isna().all()


@pytest.mark.parametrize("kind", [float | None, int | None, str | None, datetime | None, bool | None])
def test_na_values_change_which_cells_are_none(tmp_path: Path, kind: Any) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x,y\n,1\nNA,1\n-999,1\n")
    default, chosen = from_file(path, kind), from_file(path, kind, ["-999"])
    assert [value[1] for value in default[:2]] == [None, None]
    assert default[2] == {int | None: (int, -999), float | None: (float, -999.0)}.get(
        kind, (str, "-999") if kind == str | None else (REFUSED, None)
    )
    assert chosen == [(type(None), None), (str, "NA") if kind == str | None else (REFUSED, None), (type(None), None)]


def test_one_missing_word_may_be_given_alone_and_numbers_may_not() -> None:
    assert Schema(record_of(float), "-999").na_values == {"", "-999"}
    with pytest.raises(ConfigurationError, match=r"na_values= takes the text .*: '-999', not -999"):
        Schema(record_of(float), [-999])  # type: ignore[list-item]


@loop_over(
    ("message", "kind", "expected"),
    [
        (b"NaN", float | None, (type(None), None)),
        (b"-NaN", float | None, (type(None), None)),
        (b"NaN", float, "field 'x': expected float, got nan"),
        (b"[1, NaN]", list[float | None], (list, [1.0, None])),
        (b'"NaN"', str, (str, "NaN")),
        (b'["\\"NaN", NaN]', list[str | None], (list, ['"NaN', None])),
        (b"Infinity", float | None, "not a JSON object"),
        (b'"NaN", "y": NaN', float | None, "field 'x': expected float | None, got \"NaN\""),
    ],
)
def test_nan_in_a_message_is_a_missing_value(message: bytes, kind: Any, expected: Any) -> None:
    (record,) = Schema(record_of(kind)).decode_messages([b'{"x": %s}' % message])
    if isinstance(expected, str):
        assert isinstance(record, DecodeError)
        assert expected in str(record)
    else:
        assert verdict(record) == expected


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet", "a.avro"])
def test_missing_value_of_a_required_field_names_the_remedy(tmp_path: Path, name: str) -> None:
    path, schema = tmp_path / name, Schema(record_of(float))
    if name == "a.csv":
        path.write_text("x\nNA\n")
    elif name == "a.jsonl":
        path.write_text('{"x": null}\n')
    elif name == "a.parquet":
        pq.write_table(pa.table({"x": pa.array([None], pa.float64())}), path)
    else:
        with path.open("wb") as file:
            declared = {"name": "x", "type": ["null", "double"]}
            fastavro.writer(file, {"type": "record", "name": "Row", "fields": [declared]}, [{"x": None}])
    ((error,),) = map(list, RecordFile(path, schema))
    assert str(error).endswith(". If the value may be missing, declare the field float | None = None")


def test_a_field_with_none_but_without_a_default_gets_its_default_as_remedy() -> None:
    (error,) = Schema(record_of(float | None)).decode_messages([b"{}"])
    assert str(error).endswith(
        "expected float | None. If the value may be missing, declare the field float | None = None"
    )


def test_a_word_that_is_not_a_missing_value_may_be_given_as_one(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x\n?\n")
    ((error,),) = map(list, RecordFile(path, Schema(record_of(float | None))))
    assert "If '?' marks a missing value, give it with --na-values" in str(error)
