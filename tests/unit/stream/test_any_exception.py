"""Any exception of a user's function is the error of its record; only an interrupt ends the process."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

import pytest
import rx

import makiserve.stream as rs
from makiserve.errors import PredictError
from makiserve.records.record import Record, Schema
from makiserve.scoring.isolate import predict_each
from makiserve.stream.columns.engine_choice import program_for
from makiserve.stream.columns.program import ColumnProgram
from makiserve.stream.columns.row_copy import NO_SMALL
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from tests.loops import loop_over


class Panic(BaseException):
    """The exception of a panic in Rust: pyo3's `PanicException` is not an `Exception`."""


class Unprintable(Exception):
    def __str__(self) -> str:
        raise AttributeError("no message")


ERRORS = [
    Panic("at src/lib.rs"),
    SystemExit(3),
    GeneratorExit(),
    asyncio.CancelledError(),
    Unprintable(),
    MemoryError(),
]


class Item(NamedTuple):
    value: float
    error: BaseException | None = None


def checked(item: Item) -> float:
    if item.error is not None:
        raise item.error
    return item.value


def at(item: Item) -> datetime:
    return datetime(2024, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=checked(item))


PLACES: dict[str, Any] = {
    "map": lambda: rs.ops.map(checked),
    "filter": lambda: rs.ops.filter(lambda item: checked(item) >= 0),
    "key": lambda: rs.ops.group_by(checked, [rs.ops.count()]),
    "reduction": lambda: rs.math.sum(checked),
    "largest": lambda: rs.data.roll(2, 1, [rs.math.max(checked, reduce=True)]),
    "scan": lambda: rs.ops.scan(lambda total, item: total + checked(item), 0.0),
    "time": lambda: rs.data.roll_time("2s", "2s", at, [rs.ops.count(reduce=True)]),
    "trailing": lambda: rs.data.roll_trailing("2s", at, [rs.ops.count(reduce=True)]),
    "known later": lambda: rs.data.as_of(at, at, checked),
    "distinct": lambda: rs.ops.distinct_until_changed(checked),
    "branch": lambda: rs.ops.tee_map(rs.ops.count(), [rs.ops.map(checked)], join="zip_longest"),
    "caught": lambda: rx.pipe(rs.ops.tee_map(rs.ops.identity(), rs.ops.map(checked)), rs.error.ignore()),
}


@loop_over("place", PLACES)
def test_record_that_raises_anything_fails_alone(place: str) -> None:
    plan = trace(PLACES[place]())
    programs: list[Any] = [Program(plan), program_for(plan)]
    if isinstance(programs[1], ColumnProgram):
        compiled = programs[1]
        programs.append(ColumnProgram(plan, compiled.compiled, compiled.rows, NO_SMALL, compiled.keeping))
    for error in ERRORS:
        is_caught = place == "caught" and isinstance(error, Exception)
        items = [Item(1.0), Item(2.0), Item(3.0, error), Item(4.0), Item(5.0), Item(6.0)]
        for program in programs:
            good = program.feed([item for item in items if item.error is None], program.new_state())
            fed = program.feed(items, program.new_state())
            assert list(fed.outputs) == list(good.outputs)
            assert [index for index, _ in fed.failures] == ([] if is_caught else [2])
            assert all(type(error).__name__ in str(failure) for _, failure in fed.failures)


def test_interrupt_is_not_a_failure_of_the_record() -> None:
    plan = trace(rs.ops.map(checked))
    programs: tuple[Any, ...] = (Program(plan), program_for(plan))
    for program in programs:
        with pytest.raises(KeyboardInterrupt):
            program.feed([Item(1.0), Item(2.0, KeyboardInterrupt())], program.new_state())


def test_window_whose_completion_panics_is_removed() -> None:
    windows = [rs.data.to_list(), rs.ops.map(lambda items: [checked(item) for item in items])]
    program = Program(trace(rs.data.roll(2, 2, windows)))
    items = [Item(1.0), Item(2.0, Panic()), Item(3.0, Panic()), Item(4.0), Item(5.0), Item(6.0)]
    fed = program.feed(items, program.new_state())
    assert [index for index, _ in fed.failures] == [1, 2]
    assert fed.outputs == [[5.0, 6.0]]
    assert "The window is removed without output" in str(fed.failures[1][1])


class Model:
    def check(self, row: tuple[Any, ...]) -> None:
        """Accept any row."""

    def predict(self, rows: list[tuple[Any, ...]]) -> list[float]:
        return [checked(row[0]) for row in rows]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_row_for_which_a_model_raises_anything_fails_alone(error: BaseException) -> None:
    rows = [(Item(1.0),), (Item(2.0, error),), (Item(3.0),)]
    first, refused, last = predict_each(Model(), rows)  # type: ignore[arg-type]  # of a predictor, what is used
    assert (first, last) == (1.0, 3.0)
    assert isinstance(refused, PredictError)
    assert type(error).__name__ in str(refused)


class Checked(Record):
    value: float

    def __post_init__(self) -> None:
        if self.value < 0:
            raise Unprintable
        if self.value > 9:
            raise Panic


def test_check_of_a_record_may_raise_anything() -> None:
    good, unprintable, panic = Schema(Checked).decode_messages([b'{"value": 1}', b'{"value": -1}', b'{"value": 10}'])
    assert good == Checked(1.0)
    assert "its message raises AttributeError" in str(unprintable)
    assert "Panic" in str(panic)
