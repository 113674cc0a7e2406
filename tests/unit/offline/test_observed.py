"""Each prediction beside the label of its record, or of one that comes later."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from makiserve import Record
from makiserve.errors import DecodeError
from makiserve.offline.labels import Ahead
from makiserve.offline.lane_labels import LabelColumn
from makiserve.offline.metrics.observed import Observer, Watched
from makiserve.offline.sources import Block
from makiserve.records.record_table import FieldValues, RecordTable
from makiserve.scoring import Scored
from tests.loops import loop_over


class Item(Record):
    at: int
    town: str
    value: float | None = None


def scored(causes: list[int], predictions: Sequence[object]) -> Scored:
    return Scored(causes, [None] * len(causes), list(predictions), [])


def items(*values: float | None, first: int = 0) -> list[Item]:
    return [Item(first + number, "ab"[number % 2], value) for number, value in enumerate(values)]


def listed(values: np.ndarray) -> list[object]:
    return [None if value is None or value != value else value for value in values.tolist()]


def test_the_label_is_that_of_the_record_that_caused_the_prediction() -> None:
    observer = Observer(Watched("value", by=("town",), time="at"))
    observer.take(Block("a.csv", range(3), items(1.0, None, 3.0)), scored([0, 1, 2], [10.0, 20.0, 30.0]))
    observed = observer.observed()
    assert observed.lane.tolist() == ["a.csv"] * 3
    assert observed.position.tolist() == observed.time.tolist() == [0, 1, 2]
    assert observed.by["town"].tolist() == ["a", "b", "a"]
    assert observed.prediction.tolist() == [10.0, 20.0, 30.0]
    assert listed(observed.label) == [1.0, None, 3.0]
    assert listed(observed.last) == [None, 1.0, 1.0]
    assert observed.labelled.tolist() == [True, False, True]


def test_label_ahead_is_of_a_later_record_of_the_lane_in_any_batches() -> None:
    values = [float(number) for number in range(8)]
    whole = Observer(Watched("value", Ahead(3)))
    whole.take(Block("lane", range(8), items(*values)), scored(list(range(8)), values))
    parts = Observer(Watched("value", Ahead(3)))
    for first in range(0, 8, 2):
        two = values[first : first + 2]
        parts.take(Block("lane", range(first, first + 2), items(*two)), scored([0, 1], two))
        parts.take(Block("other", range(first, first + 2), items(100.0, 100.0)), scored([], []))
    for observed in (whole.observed(), parts.observed()):
        assert listed(observed.label) == [3, 4, 5, 6, 7, None, None, None]
        assert listed(observed.last) == [0, 1, 2, 3, 4, None, None, None]  # known when the prediction is made


def test_records_that_cannot_be_decoded_count_and_have_no_label() -> None:
    observer = Observer(Watched("value", Ahead(1)))
    error = DecodeError("no", value="5")  # it has an attribute of that name
    observer.take(Block("lane", range(3), [*items(1.0), error, *items(3.0, first=2)]), scored([0, 2], [1.0, 3.0]))
    assert listed(observer.observed().label) == [None, None]


def test_kinds_of_values_may_change_from_batch_to_batch() -> None:
    observer = Observer(Watched("value"))
    observer.take(Block("lane", range(1), items(1.0)), scored([0], [1]))
    observer.take(Block("lane", range(1), items(1.0)), scored([0], [1.5]))
    observer.take(Block("lane", range(1), items(1.0)), scored([0], ["high"]))
    assert observer.observed().prediction.tolist() == [1, 1.5, "high"]


def test_nothing_observed_is_empty_columns() -> None:
    observed = Observer(Watched("value", by=("town",))).observed()
    assert len(observed.prediction) == len(observed.by["town"]) == 0


def test_lanes_of_a_field_have_labels_of_their_own() -> None:
    observer = Observer(Watched("value", Ahead(1)))
    for first in (0, 4):
        records = items(*(float(n) for n in range(first, first + 4)))
        block = Block("a.csv", range(first, first + 4), records, lanes=["x", "y", "x", "y"])
        observer.take(block, scored([0, 1, 2, 3], [record.value for record in records]))
    observed = observer.observed()
    labels = sorted(zip(observed.lane, observed.position, listed(observed.label), listed(observed.last), strict=True))
    assert labels == [
        ("x", 0, 2.0, 0.0), ("x", 2, 4.0, 2.0), ("x", 4, 6.0, 4.0), ("x", 6, None, None),
        ("y", 1, 3.0, 1.0), ("y", 3, 5.0, 3.0), ("y", 5, 7.0, 5.0), ("y", 7, None, None),
    ]  # fmt: skip


@loop_over("shift", [0, 1, 2, 5])
@loop_over("size", [1, 3, 7, 40])
def test_blocks_of_any_size_give_the_same(shift: int, size: int) -> None:
    values = [None if number % 4 == 3 else float(number) for number in range(40)]
    lanes = ["xyz"[number * number % 3] for number in range(40)]
    causes = [number for number in range(40) if number % 5]
    observer, records = Observer(Watched("value", Ahead(shift))), items(*values)
    for first in range(0, 40, size):
        lane_numbers = [cause - first for cause in causes if first <= cause < first + size]
        part = slice(first, first + size)
        block = Block("a.csv", range(40)[part], records[part], lanes=lanes[part])
        observer.take(block, scored(lane_numbers, [float(first + cause) for cause in lane_numbers]))
    observed = observer.observed()
    wanted = {}
    for lane in "xyz":
        lane_numbers = [number for number in range(40) if lanes[number] == lane]
        for place, number in enumerate(lane_numbers):
            label = values[lane_numbers[place + shift]] if place + shift < len(lane_numbers) else None
            known = [
                values[number_before]
                for number_before in lane_numbers[: place + (shift > 0)]
                if values[number_before] is not None
            ]
            wanted[number] = (lane, label, known[-1] if known and place + shift < len(lane_numbers) else None)
    rows = zip(observed.lane, listed(observed.label), listed(observed.last), strict=True)
    assert dict(zip(observed.position.tolist(), rows, strict=True)) == {cause: wanted[cause] for cause in causes}


class Odd(Record):
    value: float | str | None = None


@loop_over("ahead", [Ahead(), Ahead(2)])
def test_labels_of_columns_are_those_of_records(ahead: Ahead) -> None:
    numbers, gaps = np.arange(9.0), np.isin(np.arange(9), [0, 3, 4, 8])
    error = DecodeError("no", value="5")
    values = np.array([None, "a", 1, None, 2.5, "b", None, None, "c"], object)
    for fields in (FieldValues(numbers), FieldValues(numbers, gaps), FieldValues(values)):
        for errors in ({}, {2: error, 8: error}):
            table = RecordTable(Odd, {"value": fields}, errors, 9)
            results = []
            for records in (table, list(table)):
                observer, labels = Observer(Watched("value", ahead)), LabelColumn("value", ahead)
                for first in (0, 3, 4):
                    last = {0: 3, 3: 4, 4: 9}[first]
                    causes = [number for number in range(last - first) if first + number != 5]
                    block = Block("lane", range(first, last), records[first:last])
                    observer.take(block, scored(causes, causes))
                    labels.take(block, causes)
                observed = observer.observed()
                results.append((listed(observed.label), listed(observed.last), labels.values()))
            assert results[0] == results[1]
            assert [type(label) for label in results[0][2]] == [type(label) for label in results[1][2]]
            assert results[0][0] == results[0][2]
