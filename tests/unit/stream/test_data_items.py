"""Operators of `data` on items and their order: values worked by hand, and beside RxSci where it is right."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
import rx
import rxsci
from hypothesis import given
from hypothesis import strategies as st

import makiserve
import makiserve.stream as rs
from makiserve.errors import PipelineError
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from tests.loops import loop_over
from tests.unit.stream.feed import emitted


class Point(NamedTuple):
    x: Any
    y: Any


class Reading(makiserve.Record):
    x: float | None
    y: int


@dataclass
class Pair:
    x: Any
    y: Any


SAME_AS_RXSCI = {
    "lag": lambda m: m.data.lag(),
    "lag 3": lambda m: m.data.lag(3),
    "pad_start": lambda m: m.data.pad_start(2),
    "pad_start with a value": lambda m: m.data.pad_start(3, 7),
    "pad_end": lambda m: m.data.pad_end(2),
    "pad_end with a value": lambda m: m.data.pad_end(3, 7),
    "clip": lambda m: m.data.clip(-3, 5),
    "clip above": lambda m: m.data.clip(higher_bound=5),
    "clip below": lambda m: m.data.clip(lower_bound=5),
    "no clip": lambda m: m.data.clip(),
    "to_list": lambda m: m.data.to_list(),
    "to_array": lambda m: m.data.to_array("d"),
}
PLAIN_IN_RXSCI = {
    "sort": lambda m: m.data.sort(),
    "sort by": lambda m: m.data.sort(key=lambda i: abs(i), reverse=True),
    "to_deque": lambda m: m.data.to_deque(),
}


@pytest.mark.slow
@pytest.mark.parametrize("make", SAME_AS_RXSCI.values(), ids=SAME_AS_RXSCI)
@given(items=st.lists(st.integers(-9, 9), max_size=12))
def test_values_are_rxscis(make: Any, items: list[int]) -> None:
    expected: list[Any] = []
    rx.from_(items).pipe(rxsci.state.with_memory_store(make(rxsci))).subscribe(expected.append)
    assert emitted(make(rs), items) == expected


@pytest.mark.slow
@pytest.mark.parametrize("make", PLAIN_IN_RXSCI.values(), ids=PLAIN_IN_RXSCI)
@given(items=st.lists(st.integers(-9, 9), max_size=12))
def test_values_are_those_of_rxscis_plain_operators(make: Any, items: list[int]) -> None:
    expected: list[Any] = []
    rx.from_(items).pipe(make(rxsci)).subscribe(expected.append)
    assert emitted(make(rs), items) == expected


def test_lag_pairs_with_the_first_item_while_there_is_none_so_early() -> None:
    assert emitted(rs.data.lag(2), [1, 2, 3, 4]) == [(1, 1), (1, 2), (1, 3), (2, 4)]


def test_delta_begins_with_no_change() -> None:
    assert emitted(rs.data.delta(lambda i: i.x, size=2), [Point(x, 0) for x in (1, 3, 6, 10)]) == [0, 2, 5, 7]


def test_none_is_filled_in_every_kind_of_item() -> None:
    items = [None, 1, (None, 2), Point(None, 2), Reading(x=None, y=2), Pair(None, 2), Point(1, 2)]
    expected = [0, 1, (0, 2), Point(0, 2), Reading(x=0, y=2), Pair(0, 2), Point(1, 2)]
    filled = emitted(rs.data.fill_none(0), items)
    assert filled == expected
    assert [type(item) for item in filled] == [type(item) for item in expected]


def test_an_array_refuses_an_item_when_it_comes() -> None:
    program = Program(trace(rs.data.to_array("b")))
    state = program.new_state()
    fed = program.feed([1, 1000, 2], state)
    assert [index for index, _ in fed.failures] == [1]
    assert program.complete(state) == [array("b", [1, 2])]


def test_cached_values_are_one_object_of_their_own_type() -> None:
    ones = [1, 1.0, True, 10**20, 10**20 + 0]
    cached = emitted(rs.data.cache(), ones)
    assert [type(item) for item in cached] == [int, float, bool, int, int]
    assert cached[3] is cached[4]
    first, second = emitted(rs.data.cache("y"), [Point(1, "a b"), Point(2, "".join(["a", " b"]))])
    assert first.y is second.y


def test_a_character_may_be_cut_between_pieces_and_checkpoints() -> None:
    text = "añb€"
    program = Program(trace(rs.data.decode("utf-16")))
    checkpoints, state, decoded = Checkpoints(program), program.new_state(), ""
    for byte in text.encode("utf-16"):
        decoded += "".join(program.feed([bytes([byte])], state).outputs)
        state = checkpoints.load(checkpoints.dump(state))
    assert decoded + "".join(program.complete(state)) == text


def test_byte_order_mark_is_written_before_the_first_piece() -> None:
    assert b"".join(emitted(rs.data.encode("utf-16"), ["a", "b"])) == "ab".encode("utf-16")
    assert emitted(rs.data.encode("utf-16", incremental=False), ["a", "b"]) == [
        "a".encode("utf-16"),
        "b".encode("utf-16"),
    ]


@loop_over("ratio", [0.1, 0.25, 0.3, 0.7, 1, 0])
def test_the_ratio_of_train_and_test_is_met(ratio: float) -> None:
    train: list[int] = []
    test: list[int] = []
    for_train, for_test = rs.data.train_test_split(ratio, sampling_size=2)(rx.from_(range(200)))
    for_train.subscribe(train.append)
    for_test.subscribe(test.append)
    assert len(test) == 200 * ratio
    assert sorted(train + test) == list(range(200))
    assert all(i ^ 1 in test for i in test), "two in a row belong together"


@pytest.mark.parametrize("ratio", [0.5, 0.25, 0.1])
def test_split_with_a_whole_inverse_ratio_equals_rxscis(ratio: float) -> None:
    splits: dict[Any, list[list[int]]] = {}
    for module in (rs, rxsci):
        splits[module] = [[], []]
        parts = module.data.train_test_split(ratio, sampling_size=3)(rx.from_(range(100)))
        for part, into in zip(parts, splits[module], strict=True):
            part.subscribe(into.append)
    assert splits[rs] == splits[rxsci]


@loop_over(
    ("make", "words"),
    [
        (lambda: rs.data.lag(0), "lag"),
        (lambda: rs.data.batch(0), "batch_size"),
        (lambda: rs.data.pad_start(-1), "at least 0"),
        (lambda: rs.data.pad_end(-1), "at least 0"),
        (lambda: rs.data.clip(2, 1), "greater"),
        (lambda: rs.data.to_array("?"), "typecode"),
        (lambda: rs.data.encode("utf-99"), "utf-99"),
        (lambda: rs.data.decode("utf-99"), "utf-99"),
        (lambda: rs.data.train_test_split(2), "test_ratio"),
        (lambda: trace(rs.data.train_test_split(0.5)), "divides a stream into two"),
    ],
)
def test_wrong_arguments_are_refused(make: Any, words: str) -> None:
    with pytest.raises(PipelineError, match=words):
        make()
