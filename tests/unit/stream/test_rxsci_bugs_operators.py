"""Bugs of RxSci's operators, which makiserve does not have."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rx
from rx.subject import Subject

import makiserve.stream as rs
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from tests.loops import loop_over
from tests.unit.stream.feed import emitted

# RxSci deletes the state of every operator after a failed item: the sum that follows starts again from 0.


@loop_over(
    ("after", "expected"),
    [
        (lambda: rs.math.sum(reduce=True), [1.75]),
        (lambda: rs.ops.count(), [1, 2, 3]),
        (lambda: rs.ops.pairwise(), [(1.0, 0.5), (0.5, 0.25)]),
        (lambda: rs.ops.take(2), [1.0, 0.5]),
        (lambda: rs.ops.start_with([9]), [9, 1.0, 0.5, 0.25]),
        (lambda: rs.ops.distinct(lambda i: i < 1), [1.0, 0.5]),
    ],
)
def test_a_failed_item_resets_nothing_downstream(after: Any, expected: list[Any]) -> None:
    assert emitted(rx.pipe(rs.ops.map(lambda i: 1 / i), rs.error.ignore(), after()), [1, 0, 2, 4]) == expected


@pytest.mark.parametrize(
    "nest",
    [
        lambda inner: rs.data.roll(3, 1, inner),
        lambda inner: rs.ops.group_by(lambda i: 0, inner),
    ],
)
def test_a_failed_item_ends_no_window_or_group(nest: Any) -> None:
    """In RxSci an error that meets an open window or group is fatal, even if an operator after it ignores errors."""
    program = Program(trace(nest([rs.ops.map(lambda i: 1 / i), rs.math.sum(reduce=True)])))
    state = program.new_state()
    fed = program.feed([1, 0, 2, 4], state)
    assert [index for index, _ in fed.failures] == [1]
    assert [*fed.outputs, *program.complete(state)][0] == 1.75


def test_key_that_cannot_be_computed_does_not_end_the_stream() -> None:
    program = Program(trace(rs.ops.group_by(lambda i: 12 % i, [rs.ops.count()])))
    fed = program.feed([5, 0, 5], program.new_state())
    assert fed.outputs == [1, 2]
    assert [index for index, _ in fed.failures] == [1]


# RxSci rounds 1 / ratio down: 0.7 becomes 1.


def test_a_large_test_ratio_leaves_items_to_train_on() -> None:
    train, test = rs.data.train_test_split(0.7)(rx.from_(range(10)))
    training_items: list[int] = []
    train.subscribe(training_items.append)
    test.subscribe(lambda _: None)
    assert len(training_items) == 3


# RxSci's distinct_until_changed starts from None, so that a stream's first item is lost if it is None.


def test_a_leading_none_is_distinct() -> None:
    assert emitted(rs.ops.distinct_until_changed(), [None, None, 1, None]) == [None, 1, None]


def test_a_leading_item_whose_key_is_none_is_distinct() -> None:
    assert emitted(rs.ops.distinct_until_changed(lambda i: i or None), [0, 0, 1]) == [0, 1]


def test_take_starts_again_in_every_window() -> None:
    windows = rs.data.roll(2, 2, rs.ops.distinct_until_changed())
    assert emitted(windows, [None, None, None, 1]) == [None, None, 1]


# RxSci's with_latest_from waits forever for a source that has completed without an item.


def test_a_source_that_completes_empty_ends_the_join() -> None:
    done: list[bool] = []
    joined = rx.from_([1, 2]).pipe(rs.ops.with_latest_from(rx.of("a"), rx.empty()))
    joined.subscribe(on_completed=lambda: done.append(True))
    assert done == [True]


# RxSci's flat_map, inside a store, raises an item's iteration error out of the pipeline, past `error.ignore`.


def broken() -> Iterator[int]:
    yield 1
    raise ValueError("half way")


def test_an_iteration_that_fails_is_the_items_error() -> None:
    pipeline = rx.pipe(rs.ops.flat_map(), rs.error.ignore(), rs.math.sum())
    assert emitted(pipeline, [[1, 2], broken(), 3, [4]]) == [1, 3, 7]


# RxSci's filter and assertions, inside a store, require `True` itself: `i % 2` and numpy booleans drop everything.


@pytest.mark.parametrize("kept", [1, "yes", np.True_])
def test_any_true_value_passes_a_predicate(kept: object) -> None:
    for step in (rs.ops.filter, rs.ops.assert_):
        assert emitted(step(lambda i: kept), [1, 2]) == [1, 2]
    assert emitted(rs.ops.assert_1(lambda previous, i: kept), [1, 2]) == [1, 2]


@pytest.mark.parametrize("dropped", [0, "", None, np.False_])
def test_any_false_value_does_not(dropped: object) -> None:
    assert emitted(rs.ops.filter(lambda i: dropped), [1, 2]) == []


# RxSci's `fill_none` fails on a tuple without field names, such as `tee_map` emits.


def test_none_is_filled_in_a_plain_tuple() -> None:
    assert emitted(rs.data.fill_none(0), [(1, None), (None, None)]) == [(1, 0), (0, 0)]


# In RxSci a stream whose first item is None fails in `cache`; 1.0 comes out of it as 1, if 1 came before.


def test_none_may_be_cached_first() -> None:
    assert emitted(rs.data.cache(), [None, "a", None, "a"]) == [None, "a", None, "a"]


def test_a_cached_value_keeps_its_type() -> None:
    assert [type(item) for item in emitted(rs.data.cache(), [1, 1.0, True])] == [int, float, bool]


# RxSci's progress fails on the first item; here it logs and does not print.


def test_progress_passes_items_on(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> None:
    with caplog.at_level(logging.INFO, "makiserve"):
        assert emitted(rs.ops.progress("read", 2, measure_throughput=False), "abcde") == list("abcde")
    assert caplog.messages == ["read: 2 items", "read: 4 items"]
    assert capsys.readouterr() == ("", "")


# RxSci's store belongs to the pipeline object: two live sources that go through the same object share their state.


def test_subscriptions_have_separate_state() -> None:
    counting = rs.state.with_memory_store(rx.pipe(rs.math.sum()))
    first, second = Subject(), Subject()
    sums: list[int] = []
    first.pipe(counting).subscribe(sums.append)
    second.pipe(counting).subscribe(sums.append)
    first.on_next(1)
    second.on_next(2)
    first.on_next(3)
    assert sums == [1, 2, 4]


def test_subscriptions_of_one_observable_have_separate_state() -> None:
    total = rx.from_([1, 2]).pipe(rs.state.with_memory_store([rs.math.sum(reduce=True)]))
    assert [rs.run(total), rs.run(total)] == [3, 3]


# RxSci keeps what scan accumulates in an array of the seed's type: a float cannot follow the seed 0, nor 2**64.


def test_a_float_follows_the_seed_0() -> None:
    assert emitted(rs.ops.scan(lambda total, i: total + i / 2, 0), [1, 2]) == [0.5, 1.5]


def test_an_integer_grows_beyond_64_bits() -> None:
    assert emitted(rs.ops.scan(lambda total, i: total * i, 1), [2**40, 2**40]) == [2**40, 2**80]


def test_a_boolean_stays_a_boolean() -> None:
    accumulated = emitted(rs.ops.scan(lambda seen, i: seen or i > 1, seed=False), [1, 2, 1])
    assert accumulated == [False, True, True]
    assert {type(value) for value in accumulated} == {bool}


def test_a_terminator_may_change_the_type() -> None:
    pair = rs.ops.scan(lambda total, i: total + i, 0, reduce=True, terminator=lambda total: (total, "sum"))
    assert emitted(pair, [1, 2]) == [(3, "sum")]


# RxSci's from_pandas iterates its frame once: a second subscription completes without a row.


def test_a_dataframe_can_be_subscribed_twice() -> None:
    rows = rs.ops.from_pandas(pd.DataFrame({"x": [1, 2]})).pipe(rs.ops.count(reduce=True))
    assert [rs.run(rows), rs.run(rows)] == [2, 2]
