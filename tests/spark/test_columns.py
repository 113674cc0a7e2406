"""The columns of a result: types from annotations, and outputs that do not fit them."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, NamedTuple

import pyarrow as pa
import pytest

import makiserve
from makiserve.scoring import Outputs, Scored
from makiserve.spark.result_columns import OutputColumns, columns_of


class Number(makiserve.Record):
    value: int


class Features(NamedTuple):
    whole: float
    count: int | None  # type: ignore[assignment]  # as tuple.count
    values: list[float]
    shares: dict[str, float]
    at: datetime
    day: date
    took: timedelta
    price: Decimal
    pair: tuple[int, str]
    anything: Any
    nothing: None = None


NOON = datetime(2024, 5, 1, 12, tzinfo=timezone(timedelta(hours=2)))
FIRST = Features(1, None, [1, 2], {"a": 1}, NOON, NOON.date(), timedelta(seconds=1), Decimal("1.5"), (1, "x"), 7)
FORM = Outputs(Number, (), has_model=False, has_post=False)


def scored(*items: Any) -> Scored:
    return Scored(list(range(len(items))), list(items), [None] * len(items), [])


def columns(*items: Any) -> OutputColumns:
    return columns_of(FORM, scored(*items), Number, [])


def test_columns_have_the_types_of_the_annotations() -> None:
    result_columns = columns(FIRST)
    assert {field.name: field.type for field in result_columns.schema} == {
        "whole": pa.float64(),
        "count": pa.int64(),
        "values": pa.list_(pa.float64()),
        "shares": pa.map_(pa.string(), pa.float64()),
        "at": pa.timestamp("us", "UTC"),
        "day": pa.date32(),
        "took": pa.duration("us"),
        "price": pa.decimal128(38, 18),
        "pair": pa.string(),
        "anything": pa.int64(),
        "nothing": pa.string(),
    }
    causes, arrays, dead = result_columns.arrays(FORM, scored(FIRST), [])
    assert (causes, dead) == ([0], [])
    assert {name: column[0].as_py() for name, column in arrays.items()} == {
        "whole": 1.0,
        "count": None,
        "values": [1.0, 2.0],
        "shares": [("a", 1.0)],
        "at": NOON,
        "day": NOON.date(),
        "took": timedelta(seconds=1),
        "price": Decimal("1.500000000000000000"),
        "pair": '[1,"x"]',
        "anything": 7,
        "nothing": None,
    }


def test_columns_time_without_a_zone_stays_without_one() -> None:
    result_columns = columns(FIRST._replace(at=NOON.replace(tzinfo=None)))
    assert result_columns.schema.field("at").type == pa.timestamp("us")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"count": 1 << 63}, "count: "),
        ({"whole": "x"}, "whole: "),
        ({"anything": "x"}, "anything: "),
        ({"price": Decimal("1e30")}, "price: "),
    ],
)
def test_columns_output_that_does_not_fit_is_a_dead_letter(change: dict[str, Any], message: str) -> None:
    causes, arrays, dead = columns(FIRST).arrays(FORM, scored(FIRST, FIRST._replace(**change), FIRST), [])
    assert causes == [0, 2]
    assert len(arrays["whole"]) == 2
    assert [(index, error.reason) for index, error in dead] == [(1, "encode")]
    assert f"does not fit the columns of the result: {message}" in str(dead[0][1])


def test_columns_other_item_than_in_the_sample_is_a_dead_letter() -> None:
    class Other(NamedTuple):
        x: int

    causes, _, dead = columns(FIRST).arrays(FORM, scored(FIRST, Other(1)), [])
    assert causes == [0]
    assert "has the fields x instead of whole, count" in str(dead[0][1])


def test_columns_value_without_fields_is_named_value() -> None:
    assert [(field.name, field.type) for field in columns(1.5, 2.5).schema] == [("value", pa.float64())]
