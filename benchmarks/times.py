"""Five features of a time: computed in columns, and by calling the function for each record."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

import numpy as np

import makiserve
from makiserve.records.times import TimeValues
from makiserve.stream.columns.column import Items, Rows, column_of
from makiserve.stream.columns.expressions import column_function
from makiserve.stream.columns.time_column import TimeColumn

RECORDS = 100_000
BATCH = 4_000
ROUNDS = 5
OPENING = datetime(2020, 1, 1, tzinfo=timezone.utc)


class Payment(makiserve.Record):
    """A payment at a time."""

    time: datetime
    amount: float


class TimeFeatures(NamedTuple):
    """Features of the time of a payment."""

    hour: int
    weekday: int
    month: int
    is_night: bool
    days: float


def features(payment: Payment) -> TimeFeatures:
    """Return the features of a payment."""
    at = payment.time
    days = (at - OPENING) / timedelta(days=1)
    return TimeFeatures(at.hour, at.weekday(), at.month, at.hour < 6 or at.hour >= 22, days)


def run() -> None:
    """Compare both ways for times that are columns of a file, and for times of messages, which are objects."""
    rng = np.random.default_rng(1)
    microseconds = rng.integers(1_577_836_800_000_000, 1_735_689_600_000_000, RECORDS)
    amounts = column_of(rng.random(RECORDS).tolist())
    print(f"\n{RECORDS:,} records, five features of a time; CPU time per record, median of {ROUNDS} rounds\n")
    print("| times | columns | the function is called | called divided by columns |\n|---|---|---|---|")
    for name in ("columns of a file", "objects of messages"):
        columns, calls = [], []
        for _ in range(ROUNDS):
            batches = _batches(name, microseconds, amounts)
            columns.append(_timed(_in_columns, batches))
            calls.append(_timed(_by_calls, _batches(name, microseconds, amounts)))
        in_columns, by_calls = (1e6 * float(np.median(seconds)) / RECORDS for seconds in (columns, calls))
        print(f"| {name} | {in_columns:.2f} µs | {by_calls:.2f} µs | {by_calls / in_columns:.1f} |")
    batches = _batches("columns of a file", microseconds, amounts)
    assert [row for part in _in_columns(batches) for row in part.items()] == [
        r for part in _by_calls(batches) for r in part
    ]


def _batches(name: str, microseconds: Any, amounts: Any) -> list[Items]:
    """Return the payments in batches, none of whose objects have been made by an earlier round."""
    rows = Rows(Payment, ("time", "amount"), (TimeColumn(TimeValues(microseconds, is_utc=True)), amounts))
    batches = [rows.take(slice(start, start + BATCH)) for start in range(0, RECORDS, BATCH)]
    return list(batches) if name == "columns of a file" else [column_of(batch.items()) for batch in batches]


def _in_columns(batches: list[Items]) -> list[Items]:
    function = column_function(features)
    return [function.evaluate(batch).items for batch in batches]


def _by_calls(batches: list[Items]) -> list[list[TimeFeatures]]:
    return [[features(payment) for payment in batch.items()] for batch in batches]


def _timed(compute: Callable[[list[Items]], Any], batches: list[Items]) -> float:
    start = time.process_time()
    compute(batches)
    return time.process_time() - start
