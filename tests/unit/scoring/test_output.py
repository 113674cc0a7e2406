"""Published outputs: objects with named fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any, NamedTuple

import numpy as np
import pytest

import makiserve
from makiserve.errors import ConfigurationError, DecodeError, EncodeError
from makiserve.records import Record
from makiserve.scoring import EncodedOutputs, Outputs, Posted, Scored
from makiserve.stream.columns.column import Rows, column_of
from makiserve.stream.columns.items import ColumnItems
from tests.loops import loop_over


class Reading(makiserve.Record):
    time: int
    wind_speed: float = makiserve.field(name="windSpeed")


class Features(NamedTuple):
    wind: float
    house: str


@dataclass
class Alert:
    house: str
    since: int


RECORDS: list[Record | DecodeError] = [Reading(7, 1.5), DecodeError("damaged"), Reading(8, 2.5)]
SCORED = Scored([0, 2], [Features(1.5, "a"), Features(2.5, "b")], [10.0, 20.0], [(1, RECORDS[1])])  # type: ignore[list-item]


def encoded(*emit: str, scored: Scored = SCORED, has_model: bool = True, has_post: bool = False) -> EncodedOutputs:
    outputs = Outputs(Reading, Features._fields, emit=emit, has_model=has_model, has_post=has_post)
    return outputs.encode(scored, RECORDS)


def predicted(*predictions: Any) -> Scored:
    return Scored([0] * len(predictions), [Features(1, "a")] * len(predictions), list(predictions), [])


@loop_over(
    ("emit", "expected"),
    [
        ((), b'{"prediction":10.0}'),
        (("prediction", "features"), b'{"prediction":10.0,"features":{"wind":1.5,"house":"a"}}'),
        (("record", "prediction"), b'{"record":{"time":7,"windSpeed":1.5},"prediction":10.0}'),
        (("prediction", "record.windSpeed"), b'{"prediction":10.0,"record":{"windSpeed":1.5}}'),
        (
            ("features.house", "record.time", "features.wind"),
            b'{"features":{"house":"a","wind":1.5},"record":{"time":7}}',
        ),
        (("features.house", "features"), b'{"features":{"wind":1.5,"house":"a"}}'),
    ],
)
def test_an_output_holds_what_is_asked_for_by_name(emit: tuple[str, ...], expected: bytes) -> None:
    outputs = encoded(*emit)

    assert outputs.values[0] == expected
    assert outputs.causes == [0, 2]
    assert outputs.dead == SCORED.dead


def test_without_a_model_the_features_are_the_output() -> None:
    assert encoded(has_model=False).values == [b'{"wind":1.5,"house":"a"}', b'{"wind":2.5,"house":"b"}']
    assert encoded("record.time", has_model=False).values == [b'{"record":{"time":7}}', b'{"record":{"time":8}}']


@loop_over(
    ("item", "expected"),
    [
        (Features(1.5, "a"), b'{"wind":1.5,"house":"a"}'),
        (Alert("a", 7), b'{"house":"a","since":7}'),
        (Reading(7, 1.5), b'{"time":7,"windSpeed":1.5}'),
        ({"house": "a"}, b'{"house":"a"}'),
        (4.5, b'{"prediction":4.5}'),
        ((1, 2), b'{"prediction":[1,2]}'),
        (None, b'{"prediction":null}'),
    ],
)
def test_output_of_the_post_pipeline_has_its_field_names(item: Any, expected: bytes) -> None:
    scored = SCORED._replace(posted=Posted([2], [item]))

    assert encoded(scored=scored, has_post=True)[:2] == ([2], [expected])


def test_post_may_emit_items_of_several_types() -> None:
    scored = SCORED._replace(posted=Posted([0, 0, 2], [Alert("a", 7), 4.5, Features(1, "b")]))

    assert encoded(scored=scored, has_post=True).values == [
        b'{"house":"a","since":7}',
        b'{"prediction":4.5}',
        b'{"wind":1,"house":"b"}',
    ]


@loop_over(
    ("value", "expected"),
    [
        (np.float64(1.5), b"1.5"),
        (np.float32(1.5), b"1.5"),
        (np.int64(3), b"3"),
        (np.array([1, 2]), b"[1,2]"),
        (float("nan"), b"null"),
        (datetime(2016, 1, 1, tzinfo=timezone.utc), b'"2016-01-01T00:00:00Z"'),
        ({"mean": 1.0, "n": 3}, b'{"mean":1.0,"n":3}'),
    ],
)
def test_values_are_written_as_json_knows_them(value: Any, expected: bytes) -> None:
    assert encoded(scored=predicted(value)).values == [b'{"prediction":' + expected + b"}"]


class Broken(Mapping[str, int]):
    """A mapping of a library whose values cannot be read any more."""

    def __getitem__(self, name: str) -> int:
        raise RuntimeError("the file is closed")

    def __iter__(self) -> Iterator[str]:
        return iter(["a"])

    def __len__(self) -> int:
        return 1


class Nowhere(tzinfo):
    def utcoffset(self, moment: datetime | None) -> timedelta:
        raise LookupError("no such zone")

    dst = tzname = utcoffset  # type: ignore[assignment]  # not called


@pytest.mark.parametrize("value", [Broken(), datetime(2024, 1, 1, tzinfo=Nowhere())], ids=["mapping", "zone"])
def test_a_value_that_cannot_be_read_makes_its_record_a_dead_letter(value: Any) -> None:
    outputs = encoded("prediction", scored=predicted(1.0, value, 3.0)._replace(causes=[0, 1, 2]))
    assert outputs.values == [b'{"prediction":1.0}', b'{"prediction":3.0}']
    assert [(index, type(error)) for index, error in outputs.dead] == [(1, EncodeError)]


def test_record_with_an_output_that_json_lacks_is_a_dead_letter() -> None:
    scored = Scored([0, 2, 2], [Features(1, "a")] * 3, [1.0, 2.0, object()], SCORED.dead)

    outputs = encoded(scored=scored)

    assert (outputs.causes, outputs.values) == ([0], [b'{"prediction":1.0}'])
    assert [(index, type(error)) for index, error in outputs.dead] == [(1, DecodeError), (2, EncodeError)]
    assert "object" in str(outputs.dead[1][1])


@pytest.mark.parametrize("name", ["predictions", "features.gust", "record.wind_speed", "prediction.x", ""])
def test_unknown_part_to_emit_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot be emitted; .*features\.wind, .*record\.windSpeed"):
        encoded(name)


def test_emit_needs_something_to_choose_from() -> None:
    with pytest.raises(ConfigurationError, match="a pipeline without a model has only features"):
        encoded("prediction", has_model=False)
    with pytest.raises(ConfigurationError, match="has a post pipeline, which determines"):
        encoded("features", has_post=True)


def test_record_with_a_post_output_that_json_lacks_has_no_outputs() -> None:
    scored = SCORED._replace(posted=Posted([0, 2, 2], [1.0, 2.0, object()]))
    form = Outputs(Reading, (), has_model=True, has_post=True)

    writable = form.writable(scored, RECORDS)

    assert writable.posted == Posted([0], [1.0])
    assert writable.dead[-1][0] == 2
    assert form.encode(scored, RECORDS).dead[-1][0] == 2


def test_outputs_of_features_that_are_columns_are_those_of_objects() -> None:
    class Named(NamedTuple):
        ratio: float | None
        name: str = makiserve.field(name="the name")

    column = Rows(Named, Named._fields, (column_of([1.5, None]), column_of(["a", "b"])))
    for emit, has_model in (((), False), (("prediction", "features"), True), (("features.ratio",), True)):
        form = Outputs(Reading, Named._fields, emit=emit, has_model=has_model, has_post=False)
        ours, theirs = (Scored([0, 1], features, [2.5, None], []) for features in (ColumnItems(column), column.items()))
        assert form.encode(ours, []) == form.encode(theirs, [])
        assert form.writable(ours, []) == ours


def test_prediction_that_json_lacks_is_found_with_column_features() -> None:
    form = Outputs(Reading, ("value",), emit=("prediction", "features"), has_model=True, has_post=False)
    column = ColumnItems(Rows(Features, Features._fields, (column_of([1.5, 2.5]), column_of(["a", "b"]))))
    writable = form.writable(Scored([0, 1], column, [1.5, object()], []), [])
    assert writable.causes == [0]
    assert [index for index, _ in writable.dead] == [1]
