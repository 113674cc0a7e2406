"""The first rows of lanes in sorted batches, and rows without a place in the order."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from makiserve.errors import SourceError
from makiserve.spark.rows import RowOrder, in_utc


def batch(*rows: tuple[Any, ...], key: pa.DataType | None = None) -> pa.RecordBatch:
    keys, times = zip(*rows, strict=True)
    return pa.record_batch({"key": pa.array(keys, key), "time": pa.array(times, pa.float64())})


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize(
    "keys",
    [["a", "a", "b", "c", "c", "c"], [1.0, 1.0, 2.0, *[float("nan")] * 3], [{"x": 1}, {"x": 1}, *[{"x": 2}] * 4]],
)
def test_order_lanes_begin_where_the_key_changes(keys: list[Any], size: int) -> None:
    whole, order = batch(*((key, float(index)) for index, key in enumerate(keys))), RowOrder("key", "time", ())
    begins = [flag for start in range(0, 6, size) for flag in order.begins(whole.slice(start, size)).tolist()]
    assert begins == [index == 0 or str(keys[index]) != str(keys[index - 1]) for index in range(6)]


def test_order_same_time_in_another_lane_is_not_a_tie() -> None:
    assert RowOrder("key", "time", ()).begins(batch(("a", 1.0), ("b", 1.0))).tolist() == [True, True]


def test_order_tie_across_batches_is_refused() -> None:
    order = RowOrder("key", "time", ())
    order.begins(batch(("a", 1.0), ("a", 2.0)))
    with pytest.raises(SourceError, match=r"same time \(key=a, time=2.0\)"):
        order.begins(batch(("a", 2.0)))


@pytest.mark.parametrize(
    ("row", "message"),
    [((None, 1.0), "has no key"), (("a", None), "has no time"), (("a", float("nan")), "has no time")],
)
def test_order_row_without_a_time_is_refused(row: tuple[Any, ...], message: str) -> None:
    with pytest.raises(SourceError, match=message):
        RowOrder("key", "time", ()).begins(batch(row, ("a", 1.0), key=pa.string()))


def test_in_utc_changes_the_zone_at_any_depth() -> None:
    zone = pa.timestamp("us", "Asia/Kathmandu")
    kind = pa.struct([("list", pa.list_(zone)), ("map", pa.map_(pa.string(), zone)), ("plain", pa.timestamp("us"))])
    converted = in_utc(pa.array([{"list": [0, None], "map": [("a", 1)], "plain": 2}, None], kind))
    utc = pa.timestamp("us", "UTC")
    assert converted.type == pa.struct(
        [("list", pa.list_(utc)), ("map", pa.map_(pa.string(), utc)), ("plain", pa.timestamp("us"))]
    )
    assert converted[0].as_py()["list"][0].isoformat() == "1970-01-01T00:00:00+00:00"
