"""Records that arrive in columns give what the same records give as objects: outputs, dead letters and states."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pytest
import rx
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

import makiserve.stream as rs
from makiserve import Record
from makiserve.errors import PredictError
from makiserve.records import Schema, field
from makiserve.records.content import Content
from makiserve.records.parquet import read_parquet
from makiserve.records.record_table import RecordTable
from makiserve.records.unseen import UnseenFields
from makiserve.scoring import Batch, Scored, Scorer
from makiserve.scoring.record_columns import column_items, input_rows
from makiserve.stream.columns.engine_choice import Engine, program_for
from makiserve.stream.columns.items import ColumnItems
from makiserve.stream.columns.program import ColumnProgram
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.trace import trace
from tests.examples import examples


class Reading(Record):
    house: str
    power: float
    count: int
    is_on: bool | None = None
    wind: float | None = field(default=0, name="wind [m/s]")
    tags: list[str] = field(default_factory=list)


class Features(NamedTuple):
    house: Any
    power: Any
    ratio: Any


class Doubled:
    """A model that takes rows as columns; it refuses a power that is not a float, and raises on 13."""

    inputs = ("power", "ratio")

    def __init__(self) -> None:
        self.given: list[type] = []

    def check(self, row: tuple[Any, ...]) -> None:
        if type(row[0]) is not float:
            raise PredictError("no power")

    def refused(self, rows: ColumnItems) -> dict[int, PredictError]:
        return {index: PredictError("no power") for index, row in enumerate(rows) if type(row[0]) is not float}

    def predict(self, rows: Sequence[tuple[Any, ...]]) -> list[Any]:
        self.given.append(type(rows))
        if any(row[0] == 13 for row in rows):
            raise ValueError("unlucky")
        return [(row[0] * 2, row[1]) for row in rows]


def records(rows: dict[str, pa.Array]) -> RecordTable:
    """Return rows as they are read from a Parquet file."""
    file = io.BytesIO()
    parquet.write_table(pa.table(rows), file)
    schema = Schema(Reading)
    (table,) = read_parquet(Content(b"", file, file), Path("rows.parquet"), schema, UnseenFields(schema))
    assert isinstance(table, RecordTable)
    return table


LARGE = [2**53 + 1, -(2**63), 2**63 - 1]
houses = st.sampled_from(["a", "b", "ü"])
powers = st.floats(width=64) | st.none() | st.sampled_from([13.0, 0.0, -0.0])
counts = st.integers(-3, 3) | st.sampled_from(LARGE) | st.none()


@st.composite
def tables(draw: st.DrawFn) -> dict[str, pa.Array]:
    size = draw(st.integers(1, 80))
    lists = st.lists(st.tuples(houses, powers, counts, st.none() | st.booleans()), min_size=size, max_size=size)
    house, power, count, is_on = zip(*draw(lists), strict=True)
    number = draw(st.sampled_from([pa.float64(), pa.float32()]))
    rows = {
        "house": pa.array(house),
        "power": pa.array(power, pa.float64()).cast(number, safe=False),
        "count": pa.array(count, pa.int64()),
        "is_on": pa.array(is_on, pa.bool_()),
    }
    if draw(st.booleans()):
        rows["count"] = pa.array([abs(value or 0) + 2**62 for value in count], pa.uint64())
    if draw(st.booleans()):
        rows["wind [m/s]"] = pa.array([None if value is None else value % 7 for value in count], pa.int64())
    if draw(st.booleans()):
        rows["house"] = rows["house"].dictionary_encode()
    return rows


PIPELINES = [
    rs.ops.map(lambda i: Features(i.house, i.power, i.power / i.count)),
    rx.pipe(rs.ops.filter(lambda i: i.is_on), rs.ops.map(lambda i: Features(i.house, i.wind, i.count + 1))),
    rs.ops.map(lambda i: Features(str(i), i.power, len(i.tags))),
    rs.ops.group_by(
        lambda i: i.house,
        rx.pipe(
            rs.data.roll(3, 1, rs.ops.tee_map(rs.ops.last(), rs.math.mean(lambda i: 1 / i.count, reduce=True))),
            rs.ops.map(lambda i: Features(i[0].house, i[0].power, i[1])),
        ),
    ),
    rx.pipe(rs.math.sum(lambda i: i.count), rs.ops.map(lambda i: Features("", 1.5, i))),
    # computed by the row engine
    rx.pipe(rs.ops.map(lambda i: [Features(i.house, i.power, i.count)] * 2), rs.ops.flat_map()),
]


@pytest.mark.slow
@examples(80)
@given(tables(), st.sampled_from(PIPELINES), st.lists(st.integers(1, 50), min_size=1, max_size=4))
def test_columns_give_what_objects_give(rows: dict[str, pa.Array], pipeline: Any, cuts: list[int]) -> None:
    model = Doubled()
    scorer = Scorer(trace(pipeline), model)
    ours, theirs = scorer.new_lane(), scorer.new_lane()
    table, start, turn = records(rows), 0, 0
    objects = list(records(rows))
    while start < len(table):
        end = start + cuts[turn % len(cuts)]
        (columns,) = scorer.score([Batch(ours, table[start:end])])
        (items,) = scorer.score([Batch(theirs, objects[start:end])])
        assert observed(columns) == observed(items)
        start, turn = end, turn + 1
    program = program_for(trace(pipeline))
    assert row_bytes(program, ours.states[0]) == row_bytes(program, theirs.states[0])


def row_bytes(program: Engine, state: Any) -> bytes:
    """Return the bytes of a state in the form of the row engine. Columns keep one or the other, by the batches."""
    if isinstance(program, ColumnProgram):
        return Checkpoints(program.rows).dump(program.row_state(state))
    return Checkpoints(program).dump(state)


def observed(scored: Scored) -> Any:
    dead = [(index, repr(error), str(error)) for index, error in scored.dead]
    return scored.causes, repr(scored.features), repr(scored.predictions), dead


def test_no_object_is_made_for_a_record_or_its_features() -> None:
    model = Doubled()
    scorer = Scorer(trace(PIPELINES[0]), model)
    table = records({"house": pa.array(["a"] * 50), "power": pa.array([1.5] * 50), "count": pa.array([2] * 50)})
    (scored,) = scorer.score([Batch(scorer.new_lane(), table)])
    assert model.given == [ColumnItems]
    assert table._records is None
    assert isinstance(scored.features, ColumnItems)
    assert scored.predictions == [(3.0, 0.75)] * 50


def test_class_with_own_constructor_is_read_as_objects() -> None:
    class Checked(Record):
        power: float

        def __post_init__(self) -> None:
            if self.power < 0:
                raise ValueError("negative")

    file, schema = io.BytesIO(), Schema(Checked)
    parquet.write_table(pa.table({"power": [1.0, -1.0]}), file)
    (rows,) = read_parquet(Content(b"", file, file), Path("rows.parquet"), schema, UnseenFields(schema))
    assert isinstance(rows, list)
    assert rows[0] == Checked(1.0)
    assert str(rows[1]) == "negative"


def test_records_of_a_class_that_is_not_frozen_stay_objects() -> None:
    class Open(Record, frozen=False):  # type: ignore[misc]  # at run time it may
        power: float

    file, schema = io.BytesIO(), Schema(Open)
    parquet.write_table(pa.table({"power": [1.0]}), file)
    (rows,) = read_parquet(Content(b"", file, file), Path("rows.parquet"), schema, UnseenFields(schema))
    assert column_items(rows) is rows


@pytest.mark.parametrize("at", [0, 1, 2, -1])
def test_a_single_record_is_that_of_the_whole_table(at: int) -> None:
    rows = {"house": pa.array(["a", None, "b"]), "power": pa.array([1.5, 2.5, 3.5]), "count": pa.array([1, 2, 3])}
    alone, whole = records(rows)[at], list(records(rows))[at]
    assert repr(alone) == repr(whole)


def test_a_part_of_a_table_keeps_its_errors() -> None:
    rows = {"house": pa.array(["a", None, "b"]), "power": pa.array([1.5, 2.5, 3.5]), "count": pa.array([1, 2, 3])}
    table = records(rows)
    assert repr(list(table[1:])) == repr(list(table)[1:])
    assert table.values("power") == [1.5, None, 3.5]


def test_features_without_an_input_have_no_rows() -> None:
    assert input_rows([Features("a", 1.0, 2.0)], ["power"]) is None
