"""The frames that features_frame returns: positions, columns and types."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, NamedTuple

import pandas as pd
import polars as pl
import pytest

import makiserve
import makiserve.stream as rs
from makiserve.errors import ConfigurationError, PipelineError
from tests.loops import loop_over
from tests.unit.offline.sensor_frames import TABLE, Event, frame_of


def test_the_position_comes_first_in_arrow_and_polars(tmp_path: Path) -> None:
    table = frame_of(TABLE, lane_by="sensor", time="at", as_="arrow")
    assert table.column_names == ["sensor", "at", "offset", "number", "total", "kind"]
    polars = frame_of(TABLE, lane_by="sensor", time="at", as_="polars")
    assert polars.equals(pl.from_arrow(table))
    pandas = frame_of(TABLE, lane_by="sensor", time="at")
    assert pandas.index.names == ["sensor", "at", "offset"]
    pd.testing.assert_frame_equal(pandas.reset_index(), table.to_pandas(), check_dtype=False)
    for name in ("a.csv", "b.csv"):
        TABLE.to_pandas().to_csv(tmp_path / name, index=False)
    assert frame_of(tmp_path, as_="arrow").column_names == ["source", "offset", "number", "total", "kind"]


def test_a_table_without_rows_has_positions() -> None:
    table = frame_of(TABLE.slice(0, 0), as_="arrow")
    assert (table.num_rows, table.column_names) == (0, ["offset"])


@loop_over("name", ["source", "offset", "sensor", "at"])
@loop_over("form", ["pandas", "arrow", "polars"])
def test_a_feature_cannot_replace_a_column_of_the_position(
    name: str, form: Literal["pandas", "arrow", "polars"]
) -> None:
    named_tuple: Any = NamedTuple  # mypy demands a literal
    kind = named_tuple("Clashing", [(name, int)])

    def clashing() -> makiserve.Transform:
        return rs.ops.map(lambda event: kind(event.number))

    options: dict[str, Any] = {"features": clashing, "record": Event, "lane_by": "sensor", "time": "at"}
    with pytest.raises(
        PipelineError, match=f"emits a feature '{name}', but the column or index level with this name has the position"
    ):
        makiserve.features_frame(TABLE, as_=form, **options)


def test_values_without_a_common_arrow_type_are_refused_for_arrow() -> None:
    class Odd(NamedTuple):
        x: Any

    def mixed() -> makiserve.Transform:
        return rs.ops.map(lambda event: Odd("text" if event.number % 2 else 1.5))

    assert len(makiserve.features_frame(TABLE, features=mixed, record=Event)) == 60
    with pytest.raises(PipelineError, match="x: its values have no Arrow type in common"):
        makiserve.features_frame(TABLE, features=mixed, record=Event, as_="arrow")


def test_a_feature_with_the_name_of_the_label_column_is_refused() -> None:
    class Labelled(NamedTuple):
        label: float

    with pytest.raises(ConfigurationError, match="label='label': the pipeline already emits a feature"):
        makiserve.features_frame(
            TABLE, features=lambda: rs.ops.map(lambda event: Labelled(1.0)), record=Event, label="value"
        )
