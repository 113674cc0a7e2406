"""Sets in outputs are sorted lists, and a key that JSON lacks is named."""

from __future__ import annotations

import json
import math
from collections import UserDict
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import numpy as np
import pytest

import makiserve
from makiserve.scoring.output import Outputs
from makiserve.scoring.plain import json_value, plain
from makiserve.scoring.scored import Posted, Scored
from makiserve.scoring.unordered import column_without_sets, without_sets
from makiserve.stream.columns.column import Rows, column_of
from makiserve.stream.columns.items import ColumnItems
from tests.loops import loop_over


class Pair(NamedTuple):
    first: Any
    second: Any


class Tagged(makiserve.Record):
    tags: set[int] | None = None


@dataclass(frozen=True)
class Point:
    parts: Any


ONE, OTHER = {0, 8}, {8, 0}
"""Equal sets that Python iterates in different orders."""


def encode(value: Any) -> bytes:
    (output,) = without_sets([{"value": value}])
    return msgspec.json.Encoder(enc_hook=json_value).encode(output)


def test_equal_sets_have_different_orders() -> None:
    assert list(ONE) != list(OTHER)


@loop_over(
    "make",
    [
        lambda value: value,
        frozenset,
        lambda value: [1, value],
        lambda value: {"a": {"b": value}},
        lambda value: Pair(1, [value]),
        lambda value: (value, "a"),
        lambda value: Tagged(tags=value),
        lambda value: Point(Point(value)),
        lambda value: MappingProxyType({"a": value}),
        lambda value: UserDict(a=value),
        lambda value: {frozenset(value), 1, "a", None},
        lambda value: np.array([value, None], object),
    ],
    ids=range(12),
)
def test_equal_sets_are_written_the_same(make: Any) -> None:
    assert encode(make(ONE)) == encode(make(OTHER))


@loop_over(
    ("value", "expected"),
    [
        ({"b", "a", "c"}, b'["a","b","c"]'),
        ({10, 9, 1.5, True}, b"[true,1.5,9,10]"),
        ({math.nan, 2.0, 1.0}, b"[1.0,2.0,null]"),
        ({1, "a", None, (2, 1)}, b'["a",1,[2,1],null]'),
        (set(), b"[]"),
    ],
    ids=range(5),
)
def test_sets_are_sorted_lists(value: Any, expected: bytes) -> None:
    assert encode(value) == b'{"value":' + expected + b"}"
    assert msgspec.json.encode(plain(value)) == expected


def test_the_value_itself_is_not_changed() -> None:
    items: list[Any] = [{"a": {3, 1}}, Tagged(tags={3, 1}), Point({3, 1})]
    assert without_sets(items) == [{"a": [1, 3]}, Tagged(tags=[1, 3]), Point([1, 3])]  # type: ignore[arg-type]
    assert items == [{"a": {3, 1}}, Tagged(tags={3, 1}), Point({3, 1})]


def test_outputs_without_sets_are_the_same_objects() -> None:
    items = [{"a": [1, (2, Pair(1, None))]}, {"b": Point({"x": 1.5})}]
    assert all(new is old for new, old in zip(without_sets(items), items, strict=True))
    rows = Rows(Pair, ("first", "second"), (column_of([1.5, None]), column_of(["a", 1])))
    assert column_without_sets(rows) is rows


def test_outputs_of_columns_have_sorted_lists() -> None:
    items = ColumnItems(Rows(Pair, ("first", "second"), (column_of([1.5, 2.5]), column_of([{2, 1}, "a"]))))
    assert list(without_sets(items)) == [Pair(1.5, [1, 2]), Pair(2.5, "a")]


def test_a_value_that_contains_itself_is_left_to_the_encoder() -> None:
    inner: list[Any] = [{1}]
    inner.append(inner)
    assert without_sets([inner])[0] is inner


@loop_over("key", [None, True, (1, 2), frozenset({1}), Pair(1, 2), Point(1), np.bool_(True)], ids=repr)
@loop_over("wrap", [dict, UserDict, lambda value: {"a": value}, lambda value: Point(value)], ids=range(4))
def test_key_that_json_lacks_is_named(key: Any, wrap: Any) -> None:
    with pytest.raises(TypeError, match=r"a dict has the key .+, but JSON has no such keys: convert the keys to text"):
        encode(wrap({key: 1}))


def test_record_with_such_a_key_is_a_dead_letter() -> None:
    scored = Scored([0, 1], [Pair(1, 2)] * 2, [{None: 1}, {"a": {"y", "x"}}], [])
    made = Outputs(Tagged, Pair._fields, has_model=True, has_post=False).encode(scored, [Tagged(), Tagged()])
    assert made.values == [b'{"prediction":{"a":["x","y"]}}']
    ((place, error),) = made.dead
    assert place == 0
    assert str(error).startswith(
        "the output cannot be written as JSON: a dict has the key None, but JSON has no such keys"
    )


SAME_KEYS: list[dict[Any, Any]] = [{1: "a", "1": "b"}, {"1e16": 1, 1e16: 2}, {UUID(int=1): 1, str(UUID(int=1)): 2}]


@loop_over("value", SAME_KEYS, ids=range(len(SAME_KEYS)))
@loop_over("wrap", [dict, lambda value: [value], lambda value: {"a": value}, lambda value: Point(value)], ids=range(4))
def test_two_keys_with_the_same_text_are_refused(value: Any, wrap: Any) -> None:
    with pytest.raises(
        ValueError, match=r"two of the keys \[.*\] are the same text in JSON: give them different texts"
    ):
        encode(wrap(value))


def test_keys_of_several_types_with_different_texts_are_written() -> None:
    assert json.loads(encode({1: "a", "2": "b", 2.5: "c"}))["value"] == {"1": "a", "2": "b", "2.5": "c"}


@loop_over("place", ["posted", "prediction", "feature"])
def test_record_with_two_keys_of_the_same_text_is_a_dead_letter(place: str) -> None:
    twice, once = {1: "a", "1": "b"}, {1: "a"}
    features = [Pair(1, twice if place == "feature" else 2), Pair(1, 2)]
    predictions = [twice, once] if place == "prediction" else [0.5, 0.5]
    posted = Posted([0, 1], [twice, once]) if place == "posted" else None
    scored = Scored([0, 1], features, predictions, [])._replace(posted=posted)
    emit = () if posted else ("prediction", "features")
    outputs = Outputs(Tagged, Pair._fields, emit=emit, has_model=True, has_post=bool(posted))
    for dead in (outputs.encode(scored, [Tagged()] * 2).dead, outputs.writable(scored, [Tagged()] * 2).dead):
        ((index, error),) = dead
        assert index == 0
        assert "are the same text in JSON" in str(error)
    assert [json.loads(value) for value in outputs.encode(scored, [Tagged()] * 2).values]
