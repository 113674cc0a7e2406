"""Values of state as bytes: containers are encoded together if they can be, and come back with their types."""

from __future__ import annotations

import math
from collections import Counter, OrderedDict, defaultdict, deque
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any, NamedTuple

import msgspec
import pytest

import makiserve
import makiserve.stream as rs
from makiserve.errors import StateError
from makiserve.stream.columns.engine_choice import checkpoints_of, program_for
from makiserve.stream.engine.codec import Codec, pack
from makiserve.stream.engine.codec_values import FACTORIES
from makiserve.stream.engine.trace import trace
from tests.loops import loop_over


class Reading(makiserve.Record):
    key: str
    value: float | None


class Pair(NamedTuple):
    first: Any
    second: Any


class Empty(msgspec.Struct, frozen=True):
    pass


@dataclass(frozen=True)
class Point:
    x: float


class Color(Enum):
    RED = "red"


CODEC = Codec({kind.__qualname__: kind for kind in (Reading, Pair, Empty, Point, Color)})
READINGS = [Reading(key="a", value=1.5), Reading(key="\ud800", value=None)]
VALUES: list[Any] = [
    [1.5, 2, True, None, "ä", b"x"],
    [2**64, 1],
    READINGS,
    (*READINGS, None),
    deque(READINGS, maxlen=5),
    [Pair(READINGS, 2**70), Pair([Pair(1, "x")], (1, 2))],
    {Pair(1, "a"): READINGS[0], Pair(2, "b"): READINGS[1]},
    [Empty(), Empty()],
    [Point(1.0), Point(2.0)],
    [Color.RED, Color.RED],
    [Pair(1, 2), Reading(key="a", value=1.5)],
    {1, 2, "x"},
    frozenset({Pair(1, 2)}),
    [[], (), {}, deque(), [()]],
    {"type": "Pair", "fields": [[1], [2]]},
    Counter({"a": 2, "b": 0, Pair(1, 2): -1}),
    Counter(),
    OrderedDict([("b", 1), ("a", [OrderedDict()])]),
    defaultdict(int, {"b": 1, "a": 2}),
    defaultdict(list, {1: [1.5], "1": []}),
    defaultdict(Counter, {"a": Counter("aab")}),
    defaultdict(None, {"a": 1}),
]


@loop_over("value", VALUES, ids=range(len(VALUES)))
def test_value_and_its_types_come_back(value: Any) -> None:
    decoded = CODEC.from_plain(msgspec.msgpack.decode(pack(CODEC.to_plain(value))))
    assert (decoded, type(decoded)) == (value, type(value))
    assert repr(decoded) == repr(value)


@loop_over("value", VALUES, ids=range(len(VALUES)))
def test_values_that_are_encoded_together_come_back(value: Any) -> None:
    values = [value, value]
    assert repr(CODEC.from_plains(msgspec.msgpack.decode(pack(CODEC.to_plains(values))))) == repr(values)


def test_nan_comes_back_as_one_object() -> None:
    """A dict finds it by its identity."""
    plains = CODEC.to_plains([Pair(float("nan"), 1), Pair(float("nan"), 2)])
    assert all(pair.first is math.nan for pair in CODEC.from_plains(plains))


@loop_over("factory", [None, *FACTORIES.values()], ids=str)
def test_defaultdict_has_its_factory_again(factory: Any) -> None:
    decoded = CODEC.from_plain(msgspec.msgpack.decode(pack(CODEC.to_plain(defaultdict(factory)))))
    assert (type(decoded), decoded.default_factory) == (defaultdict, factory)


@loop_over("factory", [lambda: 0, partial(int, 3), Reading], ids=range(3))
def test_defaultdict_with_another_factory_is_refused(factory: Any) -> None:
    with pytest.raises(
        StateError, match=r"a defaultdict with the factory .* cannot be saved .*: use a type as the fact"
    ):
        CODEC.to_plain(defaultdict(factory))


class Recent(deque):
    """A deque of a user's."""


def test_subclass_of_a_type_with_a_code_is_refused_with_the_type() -> None:
    with pytest.raises(StateError, match=r"Recent cannot be saved .*; or use deque itself instead of its subclass"):
        CODEC.to_plain(Recent([1]))


def test_value_without_a_code_among_others_is_refused() -> None:
    with pytest.raises(StateError, match=r"type builtins\.object cannot be saved"):
        CODEC.to_plains([1, object()])
    with pytest.raises(StateError, match=r"type builtins\.object cannot be saved"):
        CODEC.to_plains([Pair(1, object())])


@loop_over(
    "plains",
    [
        {},
        {"type": "Pair"},
        {"type": "Pair", "fields": [[1]]},
        {"type": "Pair", "fields": [[1], [1, 2]]},
        {"type": "Other", "fields": [[1]]},
        {"type": 1, "fields": 2},
    ],
    ids=repr,
)
def test_damaged_records_are_refused(plains: Any) -> None:
    with pytest.raises(StateError):
        CODEC.from_plains(plains)


def counted(counts: Any, item: int) -> Any:
    counts = counts.copy()
    counts[item % 2] = counts.get(item % 2, 0) + 1
    return counts


@loop_over("seed", [Counter(), OrderedDict(), defaultdict(int)], ids=range(3))
def test_lane_continues_after_a_restore_of_such_state(seed: Any) -> None:
    program: Any = program_for(trace(rs.ops.group_by(lambda item: item % 3, [rs.ops.scan(counted, seed)])))
    checkpoints: Any = checkpoints_of(program)
    state, items = program.new_state(), list(range(20))
    expected = list(program.feed(items, program.new_state()).outputs)
    outputs = list(program.feed(items[:10], state).outputs)
    outputs += program.feed(items[10:], checkpoints.load(checkpoints.dump(state))).outputs
    assert outputs == expected
    assert set(map(type, outputs)) == {type(seed)}
